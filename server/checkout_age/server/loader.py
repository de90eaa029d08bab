"""The loader: from a bundle to a model that has answered once."""

import asyncio
from collections.abc import Callable

from checkout_age.server.bundle import Bundle
from checkout_age.server.config import ServerConfig
from checkout_age.server.runtime import Runtime
from checkout_age.server.scorer import Scorer
from checkout_age.server.served import Served
from checkout_age.server.shopper import Faces, ShopperFinder
from checkout_age.server.watch import Watch


class Loader:
    """Loads any number of models, which share one face finder."""

    def __init__(
        self,
        config: ServerConfig,
        load_runtime: Callable[[Bundle], Runtime],
        load_faces: Callable[[], Faces],
        watch: Watch,
    ) -> None:
        self._config, self._watch = config, watch
        self._load_runtime, self._load_faces = load_runtime, load_faces
        self._faces: Faces | None = None

    async def __call__(self, bundle: Bundle) -> Served:
        """Load a model and warm it up.

        Raises:
            BundleError: it cannot be run.
        """
        config = self._config
        runtime, faces = await asyncio.gather(
            asyncio.to_thread(self._load_runtime, bundle), asyncio.to_thread(self._some_faces)
        )
        shoppers = ShopperFinder(faces, bundle.facts.chip_side, config.acceptance)
        scorer = Scorer(
            runtime,
            shoppers,
            calibration=bundle.facts.calibration,
            threads=config.used_threads,
            watch=self._watch,
        )
        try:
            await scorer.warm_up()
        except BaseException:
            await asyncio.to_thread(scorer.close)
            raise
        return Served(bundle, scorer, config.age_groups or bundle.facts.groups)

    def _some_faces(self) -> Faces:
        if self._faces is None:
            self._faces = self._load_faces()
        return self._faces

"""The loader: from a bundle to a model that has answered once."""

import asyncio
from collections.abc import Callable

import numpy as np

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
        """Load a model and warm it up, the face finder beside it if there is none yet.

        Raises:
            BundleError: it cannot be run.
        """
        config = self._config
        runtime, faces = await asyncio.gather(
            asyncio.to_thread(self._warm_runtime, bundle), asyncio.to_thread(self._some_faces)
        )
        shoppers = ShopperFinder(faces, bundle.facts.chip_side, config.acceptance)
        scorer = Scorer(
            runtime,
            shoppers,
            calibration=bundle.facts.calibration,
            threads=config.used_threads,
            watch=self._watch,
        )
        return Served(bundle, scorer, config.age_groups or bundle.facts.groups)

    def _warm_runtime(self, bundle: Bundle) -> Runtime:
        """A runtime that has answered for grey chips, so that no shopper waits for a first time.

        A network may be built anew for the first batch of more than one chip.
        """
        runtime, side = self._load_runtime(bundle), bundle.facts.chip_side
        for count in (1, 2):
            runtime.logits(np.full((count, side, side, 3), 127, np.uint8))
        return runtime

    def _some_faces(self) -> Faces:
        if self._faces is None:
            self._faces = self._load_faces()
        return self._faces

"""The loader, with a network that sees the same age in everything."""

import threading

from checkout_age.server.age import Logits
from checkout_age.server.bundle import Bundle, BundleFacts
from checkout_age.server.config import ServerConfig
from checkout_age.server.loader import Loader
from checkout_age.server.photo import Pixels
from checkout_age.server.watch import Unwatched
from tests.conftest import Always34
from tests.faces import BrightPhotosHaveFaces


class Sees(Always34):
    """Keeps what it was shown."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Pixels] = []

    def logits(self, chips: Pixels, *, alone: bool = False) -> Logits:
        self.seen.append(chips)
        return super().logits(chips)


class ReadyFaces(BrightPhotosHaveFaces):
    """Tells whether it was made ready."""

    def __init__(self) -> None:
        self.made_ready = threading.Event()

    def ready(self) -> None:
        self.made_ready.set()


def bundle(version: str = "1") -> Bundle:
    return Bundle(BundleFacts("fake", chip_side=32), {}, version)


async def test_a_loaded_network_has_run_on_a_lone_grey_chip_and_on_two() -> None:
    runtime = Sees()
    load = Loader(ServerConfig(), lambda _: runtime, BrightPhotosHaveFaces, Unwatched())
    served = await load(bundle())
    assert [len(chips) for chips in runtime.seen] == [1, 2]
    assert all((chips == 127).all() for chips in runtime.seen)
    served.scorer.close()


async def test_models_share_a_face_finder_which_is_made_ready_with_the_network_and_not_before() -> (
    None
):
    finders: list[ReadyFaces] = []

    def finder() -> ReadyFaces:
        finders.append(ReadyFaces())
        return finders[-1]

    load = Loader(ServerConfig(), lambda _: Always34(), finder, Unwatched())
    first, second = await load(bundle()), await load(bundle("2"))
    (faces,) = finders
    assert not faces.made_ready.is_set()
    second.scorer.ready()
    assert faces.made_ready.is_set()
    first.scorer.close()
    second.scorer.close()

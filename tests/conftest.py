"""What many tests share: a model that always says 34, photos, and a server on a real port."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from PIL import Image

from checkout_age.server.age import YEARS, Logits
from checkout_age.server.bundle import Bundle, BundleFacts, write_bundle
from checkout_age.server.config import ServerConfig
from checkout_age.server.photo import Pixels
from checkout_age.server.runtime import LARGEST_BATCH
from checkout_age.server.serving import serve
from checkout_age.server.told import ToldAge
from tests.faces import BrightPhotosHaveFaces

ROOT = Path(__file__).parents[1]
FACES = ROOT.parent / "shared" / "faces"
SCENES = ROOT.parent / "shared" / "scenes"

# the same examples each time, however slow the machine; other ones are the fuzzer's to find
settings.register_profile(
    "steady",
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("steady")


class Always34:
    """A network that sees a 34-year-old in every chip."""

    streams, batch = 1, LARGEST_BATCH

    def __init__(self, bundle: Bundle | None = None) -> None:
        self.batches: list[int] = []
        self.made_ready = threading.Event()

    def ready(self) -> None:
        self.made_ready.set()

    def logits(self, chips: Pixels, *, alone: bool = False) -> Logits:
        self.batches.append(len(chips))
        logits = np.full((len(chips), YEARS), -50, np.float32)
        logits[:, 34] = 50
        return logits


Serving: TypeAlias = Callable[..., AbstractAsyncContextManager[str]]


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture
def faces_folder() -> Path:
    if not FACES.is_dir():
        pytest.skip("the labelled faces are not beside this checkout")
    return FACES


@pytest.fixture
def scenes_folder() -> Path:
    if not SCENES.is_dir():
        pytest.skip("the scenes are not beside this checkout")
    return SCENES


@pytest.fixture
def photo() -> bytes:
    return photo_of(confetti(40, 60))


def confetti(height: int, width: int) -> Pixels:
    """A bright and sharp picture of nothing."""
    return np.random.default_rng(0).integers(0, 256, (height, width, 3)).astype(np.uint8)


@pytest.fixture
def black_photo() -> bytes:
    return photo_of(np.zeros((40, 60, 3), np.uint8))


def photo_of(pixels: Pixels, file_format: str = "JPEG", **options: Any) -> bytes:
    file = BytesIO()
    Image.fromarray(pixels).save(file, file_format, **options)
    return file.getvalue()


@pytest.fixture
def tiny_bundle(tmp_path: Path) -> Path:
    """A folder of a model for fake runtimes, which look at no weights."""
    facts = BundleFacts(
        "fake",
        chip_side=32,
        data_terms="drawn by nobody",
        told_ages=(ToldAge(30, tuple(range(300, 312))),),
    )
    return write_bundle(tmp_path / "models", facts, {"nothing": np.zeros(1, np.float32)})


@pytest.fixture
def serving(tiny_bundle: Path, tmp_path: Path) -> Serving:
    """Serve the fake model on a free port for as long as the block runs; gives the address."""

    @asynccontextmanager
    async def serving(**given: Any) -> AsyncIterator[str]:
        port_file = tmp_path / "port"
        parts = {"load_runtime": Always34, "load_faces": BrightPhotosHaveFaces}
        parts |= {name: given.pop(name) for name in list(given) if name in parts}
        settings: dict[str, Any] = {"model": tiny_bundle, "port": 0, "grace": 1.0} | given
        config = ServerConfig(port_file=port_file, **settings)
        task = asyncio.create_task(serve(config, **parts))
        while not port_file.exists():
            await asyncio.sleep(0.01)
            if task.done():
                await task
        try:
            yield port_file.read_text().strip()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    return serving

"""Swaps with networks that always say the same, and a scorer that is real."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from checkout_age.server import rollout
from checkout_age.server.age import YEARS, Logits
from checkout_age.server.answering import ModelNotReadyError
from checkout_age.server.bundle import Bundle, BundleError, BundleFacts, write_bundle
from checkout_age.server.canary import Canary, CanaryError, NoCanaryError
from checkout_age.server.photo import Pixels
from checkout_age.server.rollout import Rollout
from checkout_age.server.scorer import Scorer
from checkout_age.server.served import Served
from checkout_age.server.shopper import ShopperFinder
from checkout_age.server.versions import Versions
from tests.conftest import Always34
from tests.faces import BrightPhotosHaveFaces


class Says(Always34):
    """A network that sees the age that its bundle's terms name in every chip."""

    def __init__(self, bundle: Bundle) -> None:
        super().__init__()
        self.age = float(bundle.facts.data_terms)

    def logits(self, chips: Pixels, **_: bool) -> Logits:
        logits = np.full((len(chips), YEARS), -50, np.float32)
        logits[:, int(self.age)] = np.nan if np.isnan(self.age) else 50
        return logits


class Lab:
    """A models folder, and a rollout whose every runtime is remembered."""

    def __init__(self, folder: Path, photo: bytes) -> None:
        self.folder = folder
        self.first = self.version(34)
        self.runtimes: dict[str, Says] = {}
        self.closed: list[str] = []
        self.told: list[str] = []
        self.ready_when_told: list[bool] = []
        self.rollout = Rollout(
            Versions.within(folder / "fake"),
            self.load,
            Canary([photo], tolerance=10),
            self.tell,
        )

    def tell(self, served: Served) -> None:
        self.told.append(served.bundle.version)
        self.ready_when_told.append(self.runtimes[served.bundle.version].made_ready.is_set())

    def version(self, age: object) -> str:
        facts = BundleFacts("fake", chip_side=32, data_terms=str(age))
        return write_bundle(self.folder, facts, {"nothing": np.zeros(1, np.float32)}).name

    async def load(self, bundle: Bundle) -> Served:
        runtime = self.runtimes[bundle.version] = Says(bundle)
        lab = self

        class Closing(Scorer):
            def close(self) -> None:
                super().close()
                lab.closed.append(bundle.version)

        shoppers = ShopperFinder(BrightPhotosHaveFaces(), chip_side=32)
        scorer = Closing(runtime, shoppers, calibration=bundle.facts.calibration)
        return Served(bundle, scorer, bundle.facts.groups)

    @property
    def serves(self) -> str | None:
        served = self.rollout.served
        return None if served is None else served.bundle.version


@pytest.fixture
async def lab(tmp_path: Path, photo: bytes) -> AsyncIterator[Lab]:
    lab = Lab(tmp_path, photo)
    await lab.rollout.start()
    yield lab
    await lab.rollout.close()


async def test_before_a_model_is_loaded_nothing_is_answered(tmp_path: Path, photo: bytes) -> None:
    lab = Lab(tmp_path, photo)
    with pytest.raises(ModelNotReadyError), lab.rollout.answering():
        pass  # pragma: no cover
    assert lab.rollout.folder is None


async def test_a_newer_version_is_loaded_compared_and_swapped_in_and_the_old_one_released(
    lab: Lab,
) -> None:
    newer = lab.version(36)
    swap = await lab.rollout.follow()
    assert (swap.before, swap.after) == (lab.first, newer)
    assert lab.serves == newer
    assert lab.closed == [lab.first]
    assert lab.told == [lab.first, newer]


async def test_a_model_that_is_swapped_in_is_ready_for_every_thread_before_it_serves(
    lab: Lab,
) -> None:
    lab.version(36)
    await lab.rollout.follow()
    assert lab.ready_when_told[1:] == [True]
    assert await asyncio.to_thread(lab.runtimes[lab.first].made_ready.wait, 10)  # behind the start


async def test_a_refused_wish_makes_nobody_look_for_memory_and_a_swap_does(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    given_back: list[str] = []
    monkeypatch.setattr(rollout, "give_back", lambda: given_back.append(lab.serves or ""))
    with pytest.raises(BundleError):
        await lab.rollout.swap("nowhere")
    with pytest.raises(BundleError):
        await lab.rollout.roll_back()
    await lab.rollout.follow()
    assert given_back == []
    newer = lab.version(36)
    await lab.rollout.follow()
    assert given_back == [newer]


async def test_what_is_served_already_is_not_loaded_again(lab: Lab) -> None:
    swap = await lab.rollout.follow()
    assert swap.before == swap.after == lab.first
    assert list(lab.runtimes) == [lab.first]


async def test_a_photo_is_answered_by_the_model_that_took_it_up_which_stays_until_then(
    lab: Lab, photo: bytes
) -> None:
    newer = lab.version(36)
    with lab.rollout.answering() as old:
        swapping = asyncio.create_task(lab.rollout.follow())
        async with asyncio.timeout(10):
            while lab.serves != newer:  # noqa: ASYNC110  # nothing tells of it
                await asyncio.sleep(0.01)
        with lab.rollout.answering() as new:
            assert (await new.scorer.score(photo)).ages.age == pytest.approx(36)
        assert (await old.scorer.score(photo)).ages.age == pytest.approx(34)
        assert lab.closed == []
        assert not swapping.done()
    await swapping
    assert lab.closed == [lab.first]


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (80, "46.0 years from the served model's on average, 10 are tolerated"),
        ("an age", "cannot be loaded: ValueError"),
    ],
)
async def test_a_bad_bundle_is_refused_and_the_old_one_goes_on(
    lab: Lab, bad: object, words: str, photo: bytes
) -> None:
    lab.version(bad)
    with pytest.raises(BundleError, match=words):
        await lab.rollout.follow()
    assert lab.serves == lab.first
    assert lab.first not in lab.closed
    with lab.rollout.answering() as served:
        assert (await served.scorer.score(photo)).ages.age == pytest.approx(34)


async def test_what_the_canary_refused_is_not_served_after_a_restart_either(
    lab: Lab, photo: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    bad = lab.version(80)
    with pytest.raises(BundleError, match="years from"):
        await lab.rollout.follow()
    assert lab.rollout.versions.refused.all().keys() == {bad}
    again = Lab(lab.folder, photo)
    await again.rollout.start()
    assert again.serves == lab.first
    assert f"{bad} is passed over" in caplog.text
    assert (await again.rollout.swap("")).after == lab.first
    await again.rollout.close()


async def test_a_refused_version_that_is_asked_for_by_name_is_tried_again_and_forgiven(
    lab: Lab,
) -> None:
    newer = lab.version(36)
    lab.rollout.versions.refused.add(newer, "once upon\na time")
    assert lab.rollout.versions.refused.all() == {newer: "once upon a time"}
    await lab.rollout.look()
    assert lab.serves == lab.first
    await lab.rollout.swap(newer)
    assert lab.serves == newer
    assert lab.rollout.versions.refused.all() == {}


async def test_a_version_is_pinned_once_it_is_served_and_not_before(lab: Lab) -> None:
    newer, pins = lab.version(36), []
    swapping = asyncio.create_task(lab.rollout.swap(newer))
    while not swapping.done():
        pins.append((lab.serves, lab.rollout.versions.pinned))
        await asyncio.sleep(0)
    assert {serves for serves, pinned in pins if pinned} <= {newer}
    assert (lab.first, None) in pins
    assert lab.rollout.versions.pinned == newer


async def test_where_no_version_can_be_pinned_none_is_swapped_in(lab: Lab) -> None:
    newer = lab.version(36)
    (lab.folder / "fake" / "serve.new").mkdir()
    with pytest.raises(OSError, match=r"serve\.new"):
        await lab.rollout.swap(newer)
    assert lab.serves == lab.first


async def test_a_changed_file_is_noticed_and_the_old_one_goes_on(lab: Lab) -> None:
    damaged = lab.version(36)
    (lab.folder / "fake" / damaged / "weights.safetensors").write_bytes(b"0" * 100)
    with pytest.raises(BundleError, match="was changed or is incomplete"):
        await lab.rollout.swap(damaged)
    assert lab.serves == lab.first
    assert lab.rollout.versions.pinned is None


async def test_a_refused_version_is_looked_at_again_only_once_it_changes(
    lab: Lab, caplog: pytest.LogCaptureFixture
) -> None:
    bad = lab.version(36)
    weights = lab.folder / "fake" / bad / "weights.safetensors"
    right = weights.read_bytes()
    weights.write_bytes(b"0" * 100)
    for _ in range(3):
        await lab.rollout.look()
    assert caplog.text.count("is refused") == 1
    weights.write_bytes(right)
    await lab.rollout.look()
    assert lab.serves == bad


async def test_a_trouble_that_stays_is_logged_once(
    lab: Lab, caplog: pytest.LogCaptureFixture
) -> None:
    lab.rollout.versions.pin("gone")
    for _ in range(3):
        await lab.rollout.look()
    assert caplog.text.count("has no version 'gone'") == 1
    lab.rollout.versions.pin(None)
    await lab.rollout.look()
    lab.rollout.versions.pin("gone")
    await lab.rollout.look()
    assert caplog.text.count("has no version 'gone'") == 2
    assert lab.serves == lab.first


async def test_a_roll_back_serves_the_version_before_and_stays_with_it(lab: Lab) -> None:
    newer = lab.version(36)
    await lab.rollout.follow()
    back = await lab.rollout.roll_back()
    assert (back.before, back.after) == (newer, lab.first)
    lab.version(37)
    await lab.rollout.look()
    assert lab.serves == lab.first
    newest = await lab.rollout.swap("")
    assert newest.after == lab.serves != lab.first
    assert lab.rollout.versions.pinned is None


async def test_there_is_no_rolling_back_from_the_first_version(lab: Lab) -> None:
    with pytest.raises(BundleError, match="no other model was served before"):
        await lab.rollout.roll_back()


async def test_at_the_start_the_newest_version_that_can_be_served_is(
    tmp_path: Path, photo: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    lab = Lab(tmp_path, photo)
    lab.version("an age")
    await lab.rollout.start()
    assert lab.serves == lab.first
    assert "is refused, the next newest is tried" in caplog.text
    await lab.rollout.close()


def test_the_canary_finds_a_model_that_has_no_age_where_the_other_has() -> None:
    with pytest.raises(CanaryError, match="no age for canary photo 2"):
        Canary([], 10).compare([20.0, 30.0], [20.0, None])
    with pytest.raises(BundleError, match="no canary photo shows a face"):
        Canary([], 10).compare([None], [20.0])
    assert Canary([], 10).compare([20.0, None, 30.0], [22.0, None, 36.0]).mean_years == 4


def test_the_canary_photos_come_with_the_server_or_from_a_folder(
    tmp_path: Path, photo: bytes
) -> None:
    assert len(Canary.of(None, 10).photos) == 8
    (tmp_path / "a.JPG").write_bytes(photo)
    (tmp_path / "notes.txt").write_text("none")
    assert Canary.of(tmp_path, 10).photos == [photo]
    with pytest.raises(NoCanaryError, match="there is none in"):
        Canary.of(tmp_path / "empty", 10)

"""The server's benchmark, as far as it can be held to in a second."""

import asyncio
from pathlib import Path

import pytest

from checkout_age.client import AsyncAgeClient
from checkout_age.server.bundle import read_bundle
from tests.bench import table
from tests.bench.figures import merge
from tests.bench.goals import goal_of
from tests.bench.server import load, tills
from tests.bench.server.asked import Asked
from tests.bench.server.ideal import ideal_p99
from tests.bench.server.profile import ELSE, counted
from tests.bench.server.readers import Part, readers
from tests.bench.server.scoring import scoring
from tests.conftest import Always34, Serving
from tests.e2e.samples import frames


async def answered_in(seconds: float, photo: bytes) -> None:
    await asyncio.sleep(seconds)
    if photo == b"bad":
        raise ValueError("no photo")


async def test_a_closed_loop_counts_what_its_clients_were_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(load, "WARM", 0.05)
    # of several, the one that a busy machine disturbed least
    several = [
        await load.closed(lambda photo: answered_in(0.01, photo), [b"a", b"bad"], 2, 0.3)
        for _ in range(5)
    ]
    told = max(several, key=lambda each: each.rate)
    assert told.answers > 3
    assert told.failed > 1
    assert 10 <= told.p50 <= told.p99
    assert 10 < told.rate < 30  # each client waits a while after the photo that is none


async def test_an_open_loop_sends_on_whether_or_not_it_is_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(load, "WARM", 0.0)
    several = [
        await load.opened(lambda photo: answered_in(0.2, photo), [b"a"], 100, 0.5) for _ in range(3)
    ]
    told = max(several, key=lambda each: each.answers)
    assert told.answers > 20  # one after the other there would have been two
    assert told.p50 >= 200


@pytest.fixture
def folder(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One photo to ask with, each answer of which counts at once."""
    monkeypatch.setattr(load, "WARM", 0.0)
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "0.jpg").write_bytes(frames(root)[1].read_bytes())
    return photos


def test_the_scorer_is_asked_as_a_server_is_without_one(tiny_bundle: Path, folder: Path) -> None:
    runtime = Always34()
    with scoring(read_bundle(tiny_bundle), runtime) as inside:
        crowd, few = inside.ask(folder, 2, 0, 0.3), inside.ask(folder, 0, 20, 0.5)
    assert crowd.answers >= 2
    assert 1 < few.answers < 40  # 11 on average
    assert crowd.failed == few.failed == 0
    assert sum(runtime.batches) == crowd.answers + few.answers


def test_a_profile_counts_each_sample_for_the_innermost_place_on_its_stack() -> None:
    stacks = (
        "_work (checkout_age/server/scorer.py:1);_read (checkout_age/server/scorer.py:2);"
        "find (checkout_age/server/face_finder.py:3);"
        "run (checkout_age/server/blazeface_network.py:4) 7\n"
        "_run_once (asyncio/base_events.py:5);_run (asyncio/events.py:6) 2\n"
        "take (checkout_age/server/queue.py:1);wait (threading.py:327) 9\n"
        "_run (checkout_age/server/scorer.py:9);"
        "logits (checkout_age/server/openvino_runtime.py:8) 1\n"
        "Scorer._run (server/scorer.py:9);OpenVinoRuntime.logits (server/openvino_runtime.py:8);"
        "InferRequest.infer (openvino/_ov_api.py:2) 4\n"
        "PhotoQueue.take (server/queue.py:1);Condition.wait (threading.py:327) 9"
    )
    assert counted(stacks) == {"BlazeFace's networks": 7, ELSE: 2, "the network": 5}


def test_readers_tell_what_a_photo_costs_while_every_core_reads(root: Path, tmp_path: Path) -> None:
    (tmp_path / "0.jpg").write_bytes(frames(root)[1].read_bytes())
    with readers(tmp_path, chip_side=128) as reading:
        decode, *read = (
            min((reading.cost(part, seconds=0.1) for _ in range(5)), key=lambda cost: cost.wall)
            for part in Part
        )
    assert 0 < decode.wall < min(cost.wall for cost in read)
    assert 0 < decode.processor < min(cost.processor for cost in read)


def test_what_is_asked_in_turns_is_told_on_average_and_its_cost_and_failures_in_sum(
    tiny_bundle: Path, folder: Path
) -> None:
    (folder / "1.jpg").write_bytes(b"no photo")
    with scoring(read_bundle(tiny_bundle), Always34()) as inside:
        asked = Asked(inside, folder)
        asked.turn(2, 0.3)
        asked.turn(0, 0.5, rate=40)
    first, second = asked.told
    assert asked.mean("p50") == pytest.approx((first.p50 + second.p50) / 2)
    assert asked.failed == first.failed + second.failed > 0
    assert (
        0 < asked.server_ms == pytest.approx(1e3 * asked.used_s / (first.answers + second.answers))
    )


async def test_tills_elsewhere_tell_what_they_had_of_the_server_beside_its_bare_parts(
    serving: Serving, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "WARM", 0.0)
    async with serving() as address, AsyncAgeClient(address) as client:
        told = await tills.measured(client.estimate_age, [photo], seconds=0.6, bare=10)
    assert told["tills_failed"] == 0
    assert told["tills_photos_per_s"] > 0
    assert told["tills_half_load_photos_per_s"] > 0
    assert 0 < told["tills_half_load_p50_ms"] <= told["tills_half_load_p99_ms"]
    assert told["tills_half_load_p99_vs_bare"] == told["tills_half_load_p99_ms"] / 10
    assert told["tills_lone_p50_vs_bare"] == told["tills_lone_p50_ms"] / 10


def test_tills_that_reach_no_server_say_which_and_why(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["tills", "127.0.0.1:1"])
    assert tills.main() == 2
    said = capsys.readouterr().err
    assert said.startswith("127.0.0.1:1: UNAVAILABLE")
    assert "refused" in said


def test_a_goal_that_is_missed_is_told() -> None:
    assert goal_of("photos_vs_parts_limit", 0.9) == "at least 0.9"
    assert goal_of("half_load_p99_vs_bare", 4.1) == "at most 4: missed"
    assert goal_of("photos_per_s", 70) == ""


def test_all_figures_of_a_file_are_printed_in_one_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "figures.json"
    merge(file, {"vs_litserve": 0.9, "photos_per_s": 70.0})
    merge(file, {"job_ms_per_photo": 0.5, "half_load_p99_ms": float("nan")})
    monkeypatch.setattr("sys.argv", ["table", str(file)])
    table.main()
    rows = [line[1:-1].split("│") for line in capsys.readouterr().out.splitlines()]
    told = [[cell.strip() for cell in row] for row in rows if len(row) == 3]
    assert told == [
        ["vs_litserve", "0.900", "at least 1: missed"],
        ["photos_per_s", "70.000", ""],
        ["job_ms_per_photo", "0.500", "at most 1"],
        ["half_load_p99_ms", "-", ""],
    ]


def test_an_ideal_queue_makes_nobody_wait_while_a_core_is_free() -> None:
    assert ideal_p99(rate=0.01, service=0.03, cores=2) == pytest.approx(0.03)
    one, two = (ideal_p99(rate=20, service=0.03, cores=cores) for cores in (1, 2))
    assert 0.03 < two < one

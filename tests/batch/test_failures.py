"""What goes wrong around a night, and what the operator sees: one test for each."""

import contextlib
import itertools
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta, tzinfo
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from checkout_age.batch.__main__ import main
from checkout_age.batch.lock import night_lock
from checkout_age.batch.photos import PhotoRootError
from checkout_age.batch.progress_store import progress_folder
from checkout_age.batch.scoring import Patience
from checkout_age.batch.sources import Scorer
from checkout_age.v1 import age_estimation_pb2 as pb
from tests.batch.shops import BERLIN, DAY, SmallShop
from tests.standin import StandIn, estimate_of, serving_stand_in

NAMES = [f"p-{n}" for n in range(500)]


def command(shop: SmallShop, server: str, *more: str, out: Path | None = None) -> int:
    """`checkout-age-batch run` in this process; gives the exit status."""
    try:
        main(
            [
                *("run", "--date", str(DAY), "--purchases", str(shop.table)),
                *("--photos", str(shop.photos), "--out", str(out or shop.folder / "lake")),
                *("--server", server, "--patience", "1s", *more),
            ]
        )
    except SystemExit as end:
        return int(end.code or 0)
    return 0


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Callable[[str], None]]:
    """A tmpfs on the folder; gives a way to mount it anew with other options."""
    folder.mkdir()

    def mount(options: str) -> bool:
        call = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
        return subprocess.run(call, capture_output=True, check=False).returncode == 0

    if os.geteuid() != 0 or not mount(f"size={size}"):
        pytest.skip("only root may mount the small disk that this test fills")

    def again(options: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{options}", str(folder)], check=True)

    try:
        yield again
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_disk_that_fills_up_costs_nothing_but_the_wait_for_room(
    shop: SmallShop, server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.sells(NAMES)
    assert command(shop, server, out=shop.folder / "unbroken") == 0
    night = f"purchase_ages/purchase_date={DAY}/part-0.parquet"
    with small_disk(shop.folder / "disk", "32k") as again:
        assert command(shop, server, out=shop.folder / "disk") == 4
        told = capsys.readouterr().err
        assert "the storage failed" in told
        assert "No space left on device" in told
        assert "what was scored is kept" in told
        assert not (shop.folder / "disk" / night).exists()
        again("size=8m")
        assert command(shop, server, out=shop.folder / "disk") == 0
        written = (shop.folder / "disk" / night).read_bytes()
    assert written == (shop.folder / "unbroken" / night).read_bytes()


def test_a_read_only_output_is_told_before_anything_is_scored(
    shop: SmallShop, server: str, stand_in: StandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.sells(["a"])
    with small_disk(shop.folder / "disk", "1m") as again:
        again("ro")
        assert command(shop, server, out=shop.folder / "disk") == 4
    assert "Read-only file system" in capsys.readouterr().err
    assert stand_in.photos == []


def test_a_photo_root_that_is_missing_is_told(
    shop: SmallShop, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.sells(["a"])
    shop.photos.rename(shop.folder / "elsewhere")
    assert command(shop, "127.0.0.1:1") == 1
    assert re.search(r"no folder of photos at .*/photos", capsys.readouterr().err)


def test_a_photo_root_that_goes_away_mid_night_makes_no_photo_missing(
    shop: SmallShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a network drive does: the night ends, and is finished when it is back."""
    monkeypatch.setattr("checkout_age.batch.loader.ROOT_LOOKED_AT", 0.0)
    shop.sells(NAMES)

    def behave(request: pb.EstimateAgesRequest) -> pb.EstimateAgesResponse:
        if len(away.photos) == 100:
            shop.photos.rename(shop.folder / "elsewhere")
        return estimate_of(request.photo)

    away = StandIn(behave)
    with serving_stand_in(away) as address:
        with pytest.raises(PhotoRootError, match="no folder of photos"):
            shop.runs(address)
        assert not shop.lake.has(DAY)
        assert progress_folder(shop.lake, DAY).children()
        (shop.folder / "elsewhere").rename(shop.photos)
        run = shop.runs(address)
    assert run.rows_by_status == {"scored": len(NAMES)}
    assert run.rows_resumed > 0


@pytest.mark.parametrize("content", [b"not parquet at all", b"", b"PAR1 torn PAR1"])
def test_purchases_that_cannot_be_read_are_told(
    shop: SmallShop, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    shop.table = shop.folder / "purchases.parquet"
    shop.table.write_bytes(content)
    assert command(shop, "127.0.0.1:1") == 1
    assert "purchases.parquet cannot be read as purchases: " in capsys.readouterr().err
    assert not shop.lake.has(DAY)


def test_a_clock_that_jumps_during_a_night_changes_nothing(
    shop: SmallShop, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Deadlines and progress go by a clock that cannot be set."""
    shop.sells(NAMES[:50])
    shop.runs(server)
    steady = shop.night_digest()
    (shop.folder / "lake").rename(shop.folder / "steady")
    jumps = itertools.count()

    class Jumping(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            jump = timedelta(days=1 if next(jumps) % 2 else -1)
            return datetime.now(tz) + jump

    for module in ("run_record", "lock"):
        monkeypatch.setattr(f"checkout_age.batch.{module}.datetime", Jumping)
    run = shop.runs(server)
    assert next(jumps) >= 3  # the clock was looked at: for the lock, at the begin and at the end
    assert run.retries == 0
    assert all(seconds >= 0 for seconds in run.seconds_by_stage.values())
    assert shop.night_digest() == steady


@pytest.mark.parametrize(("changed", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25)])
def test_a_daylight_saving_night_has_each_purchase_once_in_its_day(
    tmp_path: Path, server: str, changed: date, hours: int
) -> None:
    shop = SmallShop(tmp_path, BERLIN)
    begin = datetime(changed.year, changed.month, changed.day, tzinfo=UTC) - timedelta(days=1)
    with shop.table.open("a") as table:
        for half_hour in range(3 * 48):
            at = (begin + half_hour * timedelta(minutes=30)).isoformat()
            table.write(f"{half_hour},n,{at},\n")
    days = [changed + timedelta(days=n) for n in (-1, 0, 1)]
    found = []
    for day in days:
        shop.runs(server, day)
        found += [row["purchase_id"] for row in shop.rows(day)]
        on = {row["purchased_at"].astimezone(BERLIN).date() for row in shop.rows(day)}
        assert on == {day}
    assert len(shop.rows(changed)) == 2 * hours
    assert len(found) == len(set(found)) >= 3 * 48 - 4


class Relay:
    """A network between the job and the server that can be cut: what is open goes silent."""

    def __init__(self, server: str) -> None:
        host, port = server.split(":")
        self._target = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._cuts = 0
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Pass nothing on any more on connections that are open; new ones work."""
        self._cuts += 1

    def close(self) -> None:
        for each in (self._listener, *self._open):
            each.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(self._target)
                self._open += [near, far]
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=self._pass, args=(*pair, self._cuts)).start()

    def _pass(self, source: socket.socket, sink: socket.socket, cuts: int) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if self._cuts == cuts:
                    sink.sendall(data)


def test_a_network_that_is_cut_costs_only_the_deadline(shop: SmallShop) -> None:
    """The connection never says that it is dead, as when a switch loses its power."""
    shop.sells(NAMES)

    def behave(request: pb.EstimateAgesRequest) -> pb.EstimateAgesResponse:
        if len(far.photos) == 150:
            relay.cut()
        return estimate_of(request.photo)

    far = StandIn(behave)
    with serving_stand_in(far) as address:
        relay = Relay(address)
        scorer = Scorer(relay.address, patience=Patience(deadline=2.0, away=60), readers=2)
        run = shop.runs(scorer=scorer)
        relay.close()
    assert run.rows_by_status == {"scored": len(NAMES)}
    assert 1 <= run.retries <= 3


def test_a_row_that_belongs_to_no_night_is_told_and_all_others_are_scored(
    shop: SmallShop, server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.sells(["a", "b"])
    with shop.table.open("a") as table:
        table.write("c,north,yesterday,c.jpg\n")
    told = shop.folder / "told"
    assert command(shop, server, "--on-failure-command", f"cat > {told}") == 1
    words = "1 rows of the purchases belong to no night and are left out: row 3 of"
    assert words in capsys.readouterr().err
    assert words in json.loads(told.read_text())["error"]
    assert shop.statuses() == {"a": "scored", "b": "scored"}
    shop.table.write_text(shop.table.read_text().replace("yesterday", f"{DAY}T12:00:00"))
    shop.takes_photo("c")
    assert command(shop, server) == 0
    assert shop.statuses() == {"a": "scored", "b": "scored", "c": "scored"}


def test_two_processes_that_start_one_night_together_double_nothing(
    shop: SmallShop, stand_in: StandIn, server: str
) -> None:
    shop.sells(NAMES)
    command_line = [
        *(sys.executable, "-m", "checkout_age.batch", "run", "--date", str(DAY)),
        *("--purchases", str(shop.table), "--photos", str(shop.photos)),
        *("--out", str(shop.folder / "lake"), "--server", server),
    ]

    runs: list[subprocess.Popen[str]] = []

    def answers_once_one_gave_way(request: pb.EstimateAgesRequest) -> pb.EstimateAgesResponse:
        while all(run.poll() is None for run in runs):
            time.sleep(0.01)
        return estimate_of(request.photo)

    stand_in.behaviour = answers_once_one_gave_way
    for _ in range(2):
        run = subprocess.Popen(
            command_line, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        runs += [run]
    try:
        said = {run.pid: run.communicate(timeout=120)[1] for run in runs}
    finally:
        for run in runs:
            run.kill()
    assert sorted(run.returncode for run in runs) == [0, 5]
    worked, gave_way = sorted(runs, key=lambda run: run.returncode)
    assert f"is being worked on by `run` with process {worked.pid} on" in said[gave_way.pid]
    assert sorted(shop.statuses()) == sorted(NAMES)
    assert len(stand_in.photos) == len(NAMES)


def test_two_runs_of_one_night_do_not_collide(
    shop: SmallShop, server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.sells(["a"])
    with night_lock(shop.lake, DAY):
        assert command(shop, server) == 5
    told = f"the night of {DAY} is being worked on by `run` with process {os.getpid()} on"
    assert told in capsys.readouterr().err


def test_a_failure_is_told_to_a_command_and_to_a_webhook(
    shop: SmallShop, capsys: pytest.CaptureFixture[str]
) -> None:
    posted: list[dict[str, object]] = []

    class Webhook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    shop.sells(["a"])
    hook = HTTPServer(("127.0.0.1", 0), Webhook)
    thread = threading.Thread(target=hook.serve_forever)
    thread.start()
    try:
        told = shop.folder / "told"
        url = f"http://127.0.0.1:{hook.server_port}/alarm"
        ways = ("--on-failure-command", f"cat > {told}", "--on-failure-url", url)
        assert command(shop, "127.0.0.1:1", *ways) == 3
    finally:
        hook.shutdown()
        hook.server_close()
        thread.join()
    assert json.loads(told.read_text()) == posted[0]
    assert posted[0]["purchase_date"] == str(DAY)
    assert posted[0]["exit_status"] == 3
    assert "no server is ready at 127.0.0.1:1" in str(posted[0]["error"])
    assert "no server is ready at 127.0.0.1:1" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "words"),
    [
        (("--deadline", "soon"), "'soon' is no length of time; write it as 7d, 12h, 30m or 90s"),
        (("--deadline", "0"), "the deadline must be above 0"),
        (("--readers", "0"), "at least one thread must read photos, got 0"),
        (("--on-failure-url", "ftp://x"), "a webhook is an http or https URL, got 'ftp://x'"),
        (("--time-zone", "Mars/Olympus"), "'Mars/Olympus' is no time zone"),
    ],
)
def test_a_wrong_option_is_named(
    shop: SmallShop, capsys: pytest.CaptureFixture[str], option: tuple[str, ...], words: str
) -> None:
    assert command(shop, "127.0.0.1:1", *option) == 2
    assert words in capsys.readouterr().err


def test_the_verbs_work_together_as_they_are_typed(
    shop: SmallShop, server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.sells(["a", "b"])
    lake = ("--out", str(shop.folder / "lake"))
    photos = ("--photos", str(shop.photos))
    assert command(shop, server) == 0
    main(["status", *lake, "--from", str(DAY), "--json", "--purchases", str(shop.table)])
    night = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (night["standing"], night["rows"], night["model_versions"]) == (
        "scored",
        2,
        ["stand-in"],
    )
    main(["regroup", *lake, "--from", str(DAY), "--age-groups", "0,18"])
    assert f"{DAY}: 2 rows drawn into 0-17, 18+" in capsys.readouterr().out
    with serving_stand_in(StandIn(model_version="better")) as better:
        main(["rescore", *lake, *photos, "--from", str(DAY), "--server", better])
    assert f"{DAY}: 2 rows by better, 0 as they were" in capsys.readouterr().out
    main(["delete-photos", *lake, *photos, "--older-than", "0d", "--dry-run"])
    assert "photos would be removed" in capsys.readouterr().out
    main(["status", *lake, "--from", str(DAY)])
    assert "better" in capsys.readouterr().out

"""Everything on an object store, over S3's own protocol, from a server on loopback."""

import gzip
import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.fs as pafs
import pyarrow.parquet as pq
import pytest
from moto.server import ThreadedMotoServer

from checkout_age.batch.__main__ import main
from checkout_age.batch.age_groups import AgeGroups
from checkout_age.batch.lake import Lake
from checkout_age.batch.lock import NightTakenError, night_lock
from checkout_age.batch.night import NOTHING_TO_DO
from checkout_age.batch.photos import PhotoRootError, photo_root
from checkout_age.batch.place import Place, PlaceError
from checkout_age.batch.progress_store import progress_folder
from checkout_age.batch.regroup import regroup_night
from checkout_age.batch.retention import delete_photos
from checkout_age.batch.run import run_night
from checkout_age.batch.run_record import RunRecord
from checkout_age.batch.scoring import ServerGoneError
from checkout_age.batch.sources import Scorer, Sources
from checkout_age.v1 import age_estimation_pb2 as pb
from tests.batch.shops import DAY, QUICK, SILENT, UTC_ZONE
from tests.standin import StandIn, estimate_of, serving_stand_in


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    given = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    before = {name: os.environ.get(name) for name in given}
    os.environ.update(given)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"{host}:{port}"
    server.stop()
    for name, value in before.items():
        os.environ.pop(name)
        if value is not None:
            os.environ[name] = value


class Bucket:
    """A shop whose all lies in one bucket."""

    def __init__(self, endpoint: str, name: str) -> None:
        options = f"?endpoint_override={endpoint}&scheme=http&region=eu-central-1"
        self._options, self.name = options, name
        self.filesystem = pafs.S3FileSystem(
            endpoint_override=endpoint,
            scheme="http",
            region="eu-central-1",
            allow_bucket_creation=True,
        )
        self.filesystem.create_dir(name)
        self.lake = Lake(self.uri("lake"))

    def uri(self, path: str) -> str:
        return f"s3://{self.name}/{path}{self._options}"

    def put(self, path: str, content: bytes) -> None:
        with self.filesystem.open_output_stream(f"{self.name}/{path}", compression=None) as file:
            file.write(content)

    def paths(self) -> list[str]:
        selector = pafs.FileSelector(self.name, recursive=True)
        found = self.filesystem.get_file_info(selector)
        return sorted(i.path for i in found if i.type == pafs.FileType.File)

    def sources(self, server: str) -> Sources:
        scorer = Scorer(server, patience=QUICK, readers=4)
        return Sources(
            self.uri("purchases"), self.uri("photos"), self.uri("lake"), UTC_ZONE, scorer
        )

    def runs(self, server: str) -> RunRecord:
        return run_night(DAY, self.sources(server), SILENT)


@pytest.fixture
def bucket(endpoint: str, request: pytest.FixtureRequest) -> Bucket:
    bucket = Bucket(endpoint, f"shop-{abs(hash(request.node.name)) % 10**9}")
    lines = ["purchase_id,store_id,purchased_at,photo"]
    for number in range(20):
        lines.append(f"p-{number},north,{DAY}T09:{number:02}:00,{number}.jpg")
        bucket.put(f"photos/{number}.jpg", f"photo {number}".encode())
    lines.append(f"away,north,{DAY}T08:00:00,../lake/x")
    lines.append(f"none,north,{DAY}T08:00:00,gone.jpg")
    bucket.put("purchases/day=21/table.csv.gz", gzip.compress("\n".join(lines).encode()))
    return bucket


def test_a_night_is_scored_found_finished_and_brought_up_to_date(
    bucket: Bucket, server: str, stand_in: StandIn
) -> None:
    run = bucket.runs(server)
    expected = {"scored": 20, "photo_outside_root": 1, "missing_photo": 1}
    assert run.rows_by_status == expected
    assert bucket.lake.days() == [DAY]
    night = f"{bucket.name}/lake/purchase_ages/purchase_date={DAY}/part-0.parquet"
    assert [path for path in bucket.paths() if "purchase_ages" in path] == [night]
    assert not [path for path in bucket.paths() if ".staging" in path or ".locks" in path]
    assert bucket.runs("127.0.0.1:1").result == NOTHING_TO_DO
    stand_in.photos.clear()
    bucket.put("photos/gone.jpg", b"here after all")
    assert bucket.runs(server).rows_new == 1
    assert stand_in.photos == [b"here after all"]
    regroup_night(DAY, bucket.lake, AgeGroups((0, 18)))
    assert bucket.lake.age_groups(DAY) == ["0-17", "18+"]


def test_a_run_that_broke_is_taken_up(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("checkout_age.batch.progress_store.MOST", 5)

    def dies(request: pb.EstimateAgesRequest) -> pb.EstimateAgesResponse:
        if len(dying.photos) > 14:
            raise RuntimeError("out of memory")
        return estimate_of(request.photo)

    dying, second = StandIn(dies), StandIn()
    with serving_stand_in(dying) as address, pytest.raises(ServerGoneError):
        bucket.runs(address)
    assert not bucket.lake.has(DAY)
    with serving_stand_in(second) as address:
        run = bucket.runs(address)
    assert run.rows_resumed >= 10
    assert len(second.photos) < 20
    assert sorted(row["purchase_id"] for row in bucket.lake.read(DAY).to_pylist()) == sorted(
        ["away", "none", *(f"p-{n}" for n in range(20))]
    )
    assert progress_folder(bucket.lake, DAY).children() == []


def test_of_two_runs_one_gives_way_and_says_to_whom(bucket: Bucket) -> None:
    taken: list[str] = []
    held: list[int] = []
    failed: list[Exception] = []
    begin, end = threading.Barrier(4), threading.Event()

    def holds() -> None:
        begin.wait()
        try:
            with night_lock(bucket.lake, DAY):
                held.append(1)
                end.wait(60)
        except NightTakenError as error:
            taken.append(str(error))
        except Exception as error:
            failed.append(error)
            raise

    threads = [threading.Thread(target=holds) for _ in range(3)]
    for thread in threads:
        thread.start()
    begin.wait()
    while len(taken) + len(held) < 3 and not failed:
        threads[0].join(0.02)
    with pytest.raises(NightTakenError, match=r"is being worked on by `run` with process \d+ on"):
        night_lock(bucket.lake, DAY).__enter__()
    end.set()
    for thread in threads:
        thread.join()
    assert (failed, len(held), len(taken)) == ([], 1, 2)
    with night_lock(bucket.lake, DAY):
        pass  # it is free again


def test_a_claim_that_is_not_renewed_lapses(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("checkout_age.batch.lease.SETTLES", 0.01)
    claim = b'{"holds": true, "verb": "run", "pid": 1, "host": "dead", "since": "then"}'
    bucket.put(f"lake/.locks/purchase_date={DAY}/0.json", claim)
    with pytest.raises(NightTakenError, match="process 1 on dead since then"):
        night_lock(bucket.lake, DAY).__enter__()
    monkeypatch.setattr("checkout_age.batch.lease.LAPSES", timedelta(seconds=-1))
    with night_lock(bucket.lake, DAY):
        pass


@pytest.mark.parametrize("goes_away", [False, True])
def test_a_claim_that_cannot_be_read_stands_in_the_way_unless_it_has_gone(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch, goes_away: bool
) -> None:
    monkeypatch.setattr("checkout_age.batch.lease.SETTLES", 0.01)
    bucket.put(f"lake/.locks/purchase_date={DAY}/0.json", b'{"holds": true}')
    read = Place.read_bytes

    def fails(place: Place) -> bytes:
        if place.name != "0.json":
            return read(place)
        if goes_away:
            place.delete()
        raise OSError("no route to the store")

    monkeypatch.setattr(Place, "read_bytes", fails)
    if goes_away:
        with night_lock(bucket.lake, DAY):
            pass
    else:
        with pytest.raises(OSError, match="no route to the store"):
            night_lock(bucket.lake, DAY).__enter__()


def test_the_report_and_sql_read_the_lake_and_the_baskets_there(
    bucket: Bucket, server: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bucket.runs(server)
    lines = "".join(f"p-{number},milk,dairy,1,2.5\n" for number in range(20))
    bucket.put("lines.csv", f"purchase_id,product,category,quantity,amount\n{lines}".encode())
    given = ("--lake", bucket.uri("lake"), "--baskets", bucket.uri("lines.csv"))
    days = ("--from", str(DAY), "--to", str(DAY))
    main(["report", *given, *days, "--out", str(tmp_path / "report")])
    assert "20 of 22 purchases scored" in capsys.readouterr().out
    baskets = pq.read_table(tmp_path / "report" / "baskets.parquet").to_pylist()[0]
    assert (baskets["baskets"], baskets["matched"]) == (20, 20)
    main(["sql", *given, "--csv", "SELECT count(*) AS n, sum(revenue) AS r FROM purchases_by_age"])
    assert capsys.readouterr().out == "n,r\n22,50.0\n"
    main(["sql", *given])
    assert f"read_parquet('s3://{bucket.name}/lake/purchase_ages/" in capsys.readouterr().out
    table = f"{bucket.name}/lake/purchase_ages"
    with bucket.filesystem.open_input_file(f"{table}/purchase_date={DAY}/part-0.parquet") as night:
        bucket.put("lake/purchase_ages/purchase_date=2026-01-05/part-0.parquet", night.read())
    main(["report", *given, *days, "--out", str(tmp_path / "again")])
    assert "22 purchases have one of 22 ids that several nights" in capsys.readouterr().out
    with pytest.raises(SystemExit) as ended:
        main(["report", *given[2:], *days, "--lake", bucket.uri("x"), "--out", str(tmp_path / "x")])
    assert ended.value.code == 1
    assert f"s3://{bucket.name}/x is no lake" in capsys.readouterr().err


def test_photos_that_have_served_are_removed(bucket: Bucket, server: str) -> None:
    bucket.runs(server)
    later = datetime(2026, 12, 1, tzinfo=UTC)
    photos = photo_root(bucket.uri("photos"))
    done = list(delete_photos(bucket.lake, photos, timedelta(days=7), UTC_ZONE, later))
    assert [each.deleted for each in done] == [20]
    assert not [path for path in bucket.paths() if path.endswith(".jpg")]


def test_a_bucket_or_a_protocol_that_is_not_there_is_named_without_its_secrets(
    bucket: Bucket, server: str
) -> None:
    secret = bucket.uri("photos").replace("s3://", "s3://key:secret@").replace("shop-", "none-")
    with pytest.raises(PhotoRootError, match=r"s3://none-\d+/photos") as caught:
        run_night(DAY, replace(bucket.sources(server), photos=secret), SILENT)
    assert "secret" not in str(caught.value)
    with pytest.raises(PlaceError, match="xyz://a names no place that can be used"):
        Place.of("xyz://a")

"""The end of a server: inside the grace, whatever still goes on."""

import asyncio
import threading
import time
from pathlib import Path

import grpc
import pytest

from checkout_age.server.bundle import Bundle
from checkout_age.server.config import ServerConfig
from checkout_age.server.edge import PortTakenError
from checkout_age.server.port_file import PortFileError
from checkout_age.server.serving import serve
from checkout_age.v1 import admin_pb2 as pb
from checkout_age.v1 import admin_pb2_grpc as pb_grpc
from tests.conftest import Always34, Serving
from tests.faces import BrightPhotosHaveFaces
from tests.server.test_service import ready


async def test_a_model_that_does_not_finish_loading_holds_no_end_up(
    serving: Serving,
) -> None:
    let_go = threading.Event()

    def never(bundle: Bundle) -> Always34:
        let_go.wait(60)
        return Always34(bundle)

    try:
        async with serving(load_runtime=never, grace=0.2):
            began = time.monotonic()
        assert time.monotonic() - began < 30
    finally:
        let_go.set()


async def test_a_swap_that_was_asked_for_before_the_end_is_seen_through_inside_the_grace(
    serving: Serving, newer: str
) -> None:
    loading = threading.Event()
    made: list[Bundle] = []

    def slowly(bundle: Bundle) -> Always34:
        if made:
            loading.set()
            time.sleep(0.5)
        made.append(bundle)
        return Always34(bundle)

    async with serving(
        admin_service=True, watch_models=0, grace=30.0, load_runtime=slowly
    ) as address:
        channel = grpc.aio.insecure_channel(address)
        await ready(channel)
        admin: pb_grpc.AdminServiceAsyncStub = pb_grpc.AdminServiceStub(channel)
        asked = admin.SwapModel(pb.SwapModelRequest(version=newer), timeout=60)
        await asyncio.wait_for(asyncio.to_thread(loading.wait, 30), 30)
    assert (await asked).version == newer
    await channel.close()


async def test_the_port_is_told_once_the_server_listens_and_forgotten_at_its_end(
    serving: Serving, tmp_path: Path, tiny_bundle: Path
) -> None:
    async with serving(metrics_port=0) as address:
        assert (tmp_path / "port").read_text() == f"{address}\n"
        taken = ServerConfig(
            model=tiny_bundle,
            port=0,
            port_file=tmp_path / "other",
            metrics_port=int(address.rpartition(":")[2]),
        )
        with pytest.raises(PortTakenError, match="cannot tell metrics on"):
            await serve(taken, Always34, BrightPhotosHaveFaces)
        assert not (tmp_path / "other").exists()
    assert not (tmp_path / "port").exists()


async def test_a_port_file_that_cannot_be_written_is_named(
    tmp_path: Path, tiny_bundle: Path
) -> None:
    config = ServerConfig(model=tiny_bundle, port=0, port_file=tmp_path / "nowhere" / "port")
    with pytest.raises(PortFileError, match=r"port_file .* cannot be written: No such file"):
        await serve(config, Always34, BrightPhotosHaveFaces)

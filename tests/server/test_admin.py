"""AdminService and the commands that ask it, through a real port, with a network that says 34."""

import asyncio
import time
from pathlib import Path
from typing import Any

import grpc
import pytest

from checkout_age.server.__main__ import main
from checkout_age.server.bundle import Bundle
from checkout_age.v1 import admin_pb2 as pb
from checkout_age.v1 import admin_pb2_grpc as pb_grpc
from checkout_age.v1 import age_estimation_pb2 as ages
from tests.conftest import Always34, Serving
from tests.server.test_service import ready


async def test_an_operator_lists_swaps_and_rolls_back_by_call(
    serving: Serving, tiny_bundle: Path, newer: str
) -> None:
    async with (
        serving(admin_service=True, watch_models=0) as address,
        grpc.aio.insecure_channel(address) as channel,
    ):
        stub = await ready(channel)
        admin: pb_grpc.AdminServiceAsyncStub = pb_grpc.AdminServiceStub(channel)
        listed = await admin.ListModels(pb.ListModelsRequest())
        assert [(m.version, m.served, m.pinned) for m in listed.models] == [
            (newer, False, False),
            (tiny_bundle.name, True, False),
        ]
        swap = await admin.SwapModel(pb.SwapModelRequest(version=newer))
        assert (swap.previous_version, swap.version) == (tiny_bundle.name, newer)
        assert (await stub.GetModel(ages.GetModelRequest())).version == newer
        back = await admin.RollBackModel(pb.RollBackModelRequest())
        assert (back.previous_version, back.version) == (newer, tiny_bundle.name)
        listed = await admin.ListModels(pb.ListModelsRequest())
        assert [(m.served, m.pinned) for m in listed.models] == [(False, False), (True, True)]


async def test_a_swap_may_take_longer_than_a_photo_may(serving: Serving, newer: str) -> None:
    def slowly(bundle: Bundle) -> Always34:
        time.sleep(1.5)
        return Always34(bundle)

    async with (
        serving(
            admin_service=True, watch_models=0, max_call_seconds=1.0, load_runtime=slowly
        ) as address,
        grpc.aio.insecure_channel(address) as channel,
    ):
        await ready(channel)
        admin: pb_grpc.AdminServiceAsyncStub = pb_grpc.AdminServiceStub(channel)
        swap = await admin.SwapModel(pb.SwapModelRequest(version=newer), timeout=60)
        assert swap.version == newer


async def test_what_is_refused_is_said_with_its_reason_and_the_old_model_goes_on(
    serving: Serving, tiny_bundle: Path, newer: str
) -> None:
    (tiny_bundle.parent / newer / "weights.safetensors").write_bytes(b"none")
    async with (
        serving(admin_service=True, watch_models=0) as address,
        grpc.aio.insecure_channel(address) as channel,
    ):
        stub = await ready(channel)
        admin: pb_grpc.AdminServiceAsyncStub = pb_grpc.AdminServiceStub(channel)
        for version, code, words in (
            (newer, grpc.StatusCode.FAILED_PRECONDITION, "was changed or is incomplete"),
            ("other", grpc.StatusCode.NOT_FOUND, "has no version 'other'; there are:"),
        ):
            with pytest.raises(grpc.aio.AioRpcError, match=words) as refused:
                await admin.SwapModel(pb.SwapModelRequest(version=version))
            assert refused.value.code() is code
        with pytest.raises(grpc.aio.AioRpcError, match="no other model was served before"):
            await admin.RollBackModel(pb.RollBackModelRequest())
        assert (await stub.GetModel(ages.GetModelRequest())).version == tiny_bundle.name


async def test_troubles_of_the_folder_are_told_to_the_operator_who_can_mend_them(
    serving: Serving, tiny_bundle: Path, newer: str
) -> None:
    async with (
        serving(admin_service=True, watch_models=0) as address,
        grpc.aio.insecure_channel(address) as channel,
    ):
        await ready(channel)
        admin: pb_grpc.AdminServiceAsyncStub = pb_grpc.AdminServiceStub(channel)

        async def refusal(wish: grpc.aio.UnaryUnaryCall[Any, Any]) -> str:
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await wish
            assert refused.value.code() is grpc.StatusCode.FAILED_PRECONDITION
            return str(refused.value.details())

        folder = tiny_bundle.parent
        (folder / "serve.new").mkdir()
        assert "serve.new" in await refusal(admin.SwapModel(pb.SwapModelRequest(version=newer)))
        (folder / "serve.new").rmdir()
        (folder / "serve").write_bytes(b"\xff")
        assert "cannot be read" in await refusal(admin.ListModels(pb.ListModelsRequest()))
        assert (await admin.SwapModel(pb.SwapModelRequest())).version == newer
        assert not (folder / "serve").exists()
        folder.rename(folder.with_name("elsewhere"))
        assert "no model in" in await refusal(admin.SwapModel(pb.SwapModelRequest()))
        folder.with_name("elsewhere").rename(folder)


async def test_a_version_that_the_canary_refused_is_listed_with_the_reason(
    serving: Serving, tiny_bundle: Path, newer: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tiny_bundle.parent / "refused").write_text(f"{newer} its ages are far off\n")
    async with (
        serving(admin_service=True, watch_models=0) as address,
        grpc.aio.insecure_channel(address) as channel,
    ):
        await ready(channel)
        await asyncio.to_thread(main, ["models", "--server", address])
        told = capsys.readouterr().out
        assert told == f"{newer}\n  refused: its ages are far off\n{tiny_bundle.name} served\n"


async def test_the_commands_ask_a_running_server(
    serving: Serving, tiny_bundle: Path, newer: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async with (
        serving(admin_service=True, watch_models=0) as address,
        grpc.aio.insecure_channel(address) as channel,
    ):
        await ready(channel)

        async def said(*command: str) -> str:
            await asyncio.to_thread(main, [*command, "--server", address])
            return capsys.readouterr().out

        assert await said("models") == f"{newer}\n{tiny_bundle.name} served\n"
        assert await said("swap") == f"{newer} is served instead of {tiny_bundle.name}\n"
        assert await said("swap", newer) == f"{newer} is served already\n"
        assert await said("roll-back") == f"{tiny_bundle.name} is served instead of {newer}\n"
        assert f"{tiny_bundle.name} served pinned" in await said("models")
        with pytest.raises(SystemExit, match=r"NOT_FOUND: .* has no version 'other'"):
            await said("swap", "other")


async def test_unless_asked_for_the_service_is_not_offered(serving: Serving) -> None:
    async with serving() as address, grpc.aio.insecure_channel(address) as channel:
        await ready(channel)
        with pytest.raises(SystemExit, match="runs without --admin-service"):
            await asyncio.to_thread(main, ["models", "--server", address])


async def test_a_newer_version_in_the_folder_is_served_without_being_asked_for(
    serving: Serving, tiny_bundle: Path, newer: str
) -> None:
    (tiny_bundle.parent / newer / "bundle.json").rename(tiny_bundle / "later")
    async with (
        serving(model=tiny_bundle.parent, watch_models=0.05) as address,
        grpc.aio.insecure_channel(address) as channel,
    ):
        stub = await ready(channel)
        assert (await stub.GetModel(ages.GetModelRequest())).version == tiny_bundle.name
        (tiny_bundle / "later").rename(tiny_bundle.parent / newer / "bundle.json")
        async with asyncio.timeout(20):
            while (  # noqa: ASYNC110  # another process might tell, here nothing does
                await stub.GetModel(ages.GetModelRequest())
            ).version != newer:
                await asyncio.sleep(0.05)

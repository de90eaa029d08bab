"""The commands that ask a running server: models, swap, roll-back."""

import sys
from argparse import ArgumentParser
from collections.abc import Sequence

import grpc

from checkout_age.client.access import AccessError, access_of, add_access
from checkout_age.client.channel import open_channel
from checkout_age.v1 import admin_pb2 as pb
from checkout_age.v1 import admin_pb2_grpc as pb_grpc

COMMANDS = {
    "models": "List the versions in the models folder of a running server.",
    "swap": "Have a running server serve another version of its model, or the newest.",
    "roll-back": "Have a running server serve the version before this one again.",
}
PATIENCE = 120.0
"""Seconds that a swap may take."""


def admin_command(arguments: Sequence[str]) -> None:
    """Ask; status 1 with the server's reason where it refuses."""
    command, *rest = arguments
    parser = ArgumentParser(
        prog=f"checkout-age-server {command}",
        description=f"{COMMANDS[command]} It must run with --admin-service.",
    )
    if command == "swap":
        parser.add_argument(
            "version",
            nargs="?",
            default="",
            help="the version to serve and to stay with (the newest, now and later)",
        )
    parser.add_argument(
        "--server", default="127.0.0.1:50051", metavar="HOST:PORT", help="(%(default)s)"
    )
    add_access(parser)
    given = parser.parse_args(rest)
    try:
        with open_channel(given.server, access_of(given)) as channel:
            stub = pb_grpc.AdminServiceStub(channel)
            if command == "models":
                listed = stub.ListModels(pb.ListModelsRequest(), timeout=PATIENCE)
                for model in listed.models:
                    print(model.version, *_marks(model))
                    if model.refused:
                        print(f"  refused: {model.refused}")
            elif command == "swap":
                _tell(stub.SwapModel(pb.SwapModelRequest(version=given.version), timeout=PATIENCE))
            else:
                _tell(stub.RollBackModel(pb.RollBackModelRequest(), timeout=PATIENCE))
    except AccessError as error:
        parser.error(str(error))
    except grpc.RpcError as error:
        if error.code() is grpc.StatusCode.UNIMPLEMENTED:
            sys.exit(f"checkout-age-server: {given.server} runs without --admin-service")
        sys.exit(f"checkout-age-server: {error.code().name}: {error.details()}")


def _marks(model: pb.ModelVersion) -> list[str]:
    return [word for word, holds in (("served", model.served), ("pinned", model.pinned)) if holds]


def _tell(done: pb.SwapModelResponse | pb.RollBackModelResponse) -> None:
    if done.version == done.previous_version:
        print(f"{done.version} is served already")
    else:
        print(f"{done.version} is served instead of {done.previous_version}")

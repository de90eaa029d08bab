"""checkout-age-server: serve one model."""

import asyncio
import logging
import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from checkout_age.server.signals import StdinError, before_serving

if TYPE_CHECKING:
    from checkout_age.server.shopper import Faces


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve, or run the command that comes first; each says its exit status in its help.

    Serving ends with status 0 after a drain, 1 where the server could not start.
    """
    given = sys.argv[1:] if arguments is None else list(arguments)
    command = COMMANDS.get(given[0]) if given else None
    if command is not None:
        command(given)
    else:
        before_serving()
        _serve(given)


def _serve(given: Sequence[str]) -> None:
    # before there are threads: setting one moves them all while C libraries may read them
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the threads are ours; before NumPy comes
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # it reports absent GPUs as errors
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # not its default on every CPU
    from checkout_age.server.config import parse_arguments
    from checkout_age.server.logs import set_up_logs
    from checkout_age.server.memory import few_arenas

    config = parse_arguments(given)
    os.environ.setdefault("OMP_NUM_THREADS", str(config.used_threads))
    set_up_logs(config)
    few_arenas(config.used_threads)
    # compiled on one core while another imports the rest; who ends early waits for it
    faces = ThreadPoolExecutor(1, "faces").submit(_faces, config.used_threads)
    import uvloop

    from checkout_age.server.bundle import BundleError
    from checkout_age.server.canary import NoCanaryError
    from checkout_age.server.certificates import CertificatesError
    from checkout_age.server.edge import PortTakenError
    from checkout_age.server.port_file import PortFileError
    from checkout_age.server.serving import serve
    from checkout_age.server.tokens import TokensError
    from checkout_age.server.traces import TracingMissingError

    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(config, load_faces=faces.result))
            _end()  # inside: to close the loop would wait for threads that are given up
    except (
        BundleError,
        CertificatesError,
        NoCanaryError,
        PortFileError,
        PortTakenError,
        StdinError,
        TokensError,
        TracingMissingError,
    ) as error:
        sys.exit(f"checkout-age-server: {error}")


def _faces(threads: int) -> "Faces":
    from checkout_age.server.face_finder import FaceFinder

    return FaceFinder(threads)


def _end() -> None:
    """End the process, all being done, without taking the interpreter down.

    Native threads of gRPC's and OpenVINO's still wait then; one that wakes while the interpreter
    goes can abort the process after a whole drain.
    """
    logging.shutdown()
    sys.stdout.flush()
    os._exit(0)


def _look(given: Sequence[str]) -> None:
    from checkout_age.server.look import look

    look(given[1:])


def _config(given: Sequence[str]) -> None:
    from checkout_age.server.config import show_config

    show_config(given[1:])


def _token(given: Sequence[str]) -> None:
    from checkout_age.server.tokens import token

    token(given[1:])


def _admin(given: Sequence[str]) -> None:
    from checkout_age.server.admin_command import admin_command

    admin_command(given)


COMMANDS: dict[str, Callable[[Sequence[str]], None]] = {
    "look": _look,
    "config": _config,
    "token": _token,
    "models": _admin,
    "swap": _admin,
    "roll-back": _admin,
}
"""All but serving itself; each imports no more than it needs."""


if __name__ == "__main__":
    main()

"""checkout-age-server: serve one model."""

import asyncio
import os
import sys
from collections.abc import Sequence

from checkout_age.server.bundle import BundleError
from checkout_age.server.config import parse_arguments, show_config
from checkout_age.server.logs import set_up_logs
from checkout_age.server.tokens import TokensError, token


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until stopped; status 0 after a drain, 1 where the server could not start."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    if given[:1] == ["look"]:
        from checkout_age.server.look import look

        look(given[1:])
        return
    if given[:1] == ["config"]:
        show_config(given[1:])
        return
    if given[:1] == ["token"]:
        token(given[1:])
        return
    config = parse_arguments(given)
    set_up_logs(config)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # it reports absent GPUs as errors
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # not its default on every CPU
    from checkout_age.server.certificates import CertificatesError
    from checkout_age.server.edge import PortTakenError
    from checkout_age.server.serving import serve
    from checkout_age.server.traces import TracingMissingError

    try:
        asyncio.run(serve(config))
    except (
        BundleError,
        CertificatesError,
        PortTakenError,
        TokensError,
        TracingMissingError,
    ) as error:
        sys.exit(f"checkout-age-server: {error}")


if __name__ == "__main__":
    main()

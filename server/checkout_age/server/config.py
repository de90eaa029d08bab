"""The server's settings, checked once at the door."""

from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from checkout_age.server.age import AgeGroups
from checkout_age.server.photo import DEFAULT_LIMITS, PhotoLimits

LAST_PORT = 65535
SHIPPED = Path(__file__).parents[2] / "models" / "progressive"
"""The model that comes with the sources."""


@dataclass(frozen=True)
class ServerConfig:
    """How to serve one model."""

    model: Path = SHIPPED
    host: str = "127.0.0.1"
    port: int = 50051
    port_file: Path | None = None
    age_groups: AgeGroups | None = None
    """None: those of the bundle."""
    limits: PhotoLimits = DEFAULT_LIMITS
    grace: float = 20.0
    """Seconds that running calls are given after the first signal."""
    until_stdin_closes: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.port <= LAST_PORT:
            raise ValueError(f"port must be 0..{LAST_PORT}, got {self.port}")
        if self.grace < 0:
            raise ValueError(f"grace must be at least 0 seconds, got {self.grace}")


def parse_arguments(arguments: Sequence[str] | None = None) -> ServerConfig:
    """Read the command line; a wrong value ends the process with status 2 and says why."""
    parser = ArgumentParser(
        prog="checkout-age-server", description="Serve age estimates for checkout photos over gRPC."
    )
    parser.add_argument(
        "--model",
        type=Path,
        default=SHIPPED,
        help="models/NAME/VERSION, or models/NAME where it has one version (the shipped model)",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument(
        "--port", type=int, default=50051, help="port to listen on, 0 for a free one (%(default)s)"
    )
    parser.add_argument(
        "--port-file", type=Path, help="write HOST:PORT to this file once the port is bound"
    )
    parser.add_argument(
        "--age-groups",
        metavar="STARTS",
        help="youngest age of each group, as 0,18,65 (the model's own)",
    )
    parser.add_argument(
        "--max-photo-bytes",
        type=int,
        default=DEFAULT_LIMITS.max_bytes,
        help="largest photo that is read (%(default)s)",
    )
    parser.add_argument(
        "--grace",
        type=float,
        default=20.0,
        help="seconds that running calls get after SIGTERM (%(default)s)",
    )
    parser.add_argument(
        "--until-stdin-closes",
        action="store_true",
        help="stop when standard input ends, as it does when the starting process dies",
    )
    given = parser.parse_args(arguments)
    try:
        return ServerConfig(
            model=given.model,
            host=given.host,
            port=given.port,
            port_file=given.port_file,
            age_groups=_groups(given.age_groups),
            limits=PhotoLimits(max_bytes=given.max_photo_bytes),
            grace=given.grace,
            until_stdin_closes=given.until_stdin_closes,
        )
    except ValueError as error:
        parser.error(str(error))


def _groups(starts: str | None) -> AgeGroups | None:
    if starts is None:
        return None
    try:
        years = [int(start) for start in starts.split(",")]
    except ValueError:
        raise ValueError(f"age groups are whole years as in 0,18,65, got {starts!r}") from None
    return AgeGroups.starting_at(years)

"""The server's settings, checked once at the door."""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from checkout_age.server.age import AgeGroups
from checkout_age.server.choice import SeveralFaces
from checkout_age.server.photo import DEFAULT_LIMITS, PhotoLimits
from checkout_age.server.quality import DEFAULT_QUALITY, QualityLimits
from checkout_age.server.shopper import Acceptance

LAST_PORT = 65535
SHIPPED = Path(__file__).parents[2] / "models" / "balanced"
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
    acceptance: Acceptance = field(default_factory=Acceptance)
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
        prog="checkout-age-server",
        description="Serve age estimates for checkout photos over gRPC.",
        epilog="checkout-age-server look PHOTO... draws what would be seen in photos.",
    )
    add_model(parser)
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
    add_acceptance(parser)
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
            acceptance=acceptance_of(given),
            grace=given.grace,
            until_stdin_closes=given.until_stdin_closes,
        )
    except ValueError as error:
        parser.error(str(error))


def add_model(parser: ArgumentParser) -> None:
    """The option that names a model."""
    parser.add_argument(
        "--model",
        type=Path,
        default=SHIPPED,
        help="models/NAME/VERSION, or models/NAME where it has one version (the shipped model)",
    )


def add_acceptance(parser: ArgumentParser) -> None:
    """The options that say which photos are given an age."""
    parser.add_argument(
        "--max-photo-bytes",
        type=int,
        default=DEFAULT_LIMITS.max_bytes,
        help="largest photo that is read (%(default)s)",
    )
    parser.add_argument(
        "--several-faces",
        choices=[str(policy) for policy in SeveralFaces],
        default=str(SeveralFaces.CHOOSE),
        help="choose the largest near the middle, or refuse (%(default)s)",
    )
    for name, default, what in (
        ("width", DEFAULT_QUALITY.width, "pixels that a face is wide"),
        ("sharpness", DEFAULT_QUALITY.sharpness, "sharpness of a face, 0 for an even grey"),
        ("brightness", DEFAULT_QUALITY.brightness, "brightness of its lightest tenth, 0 to 255"),
    ):
        parser.add_argument(
            f"--min-face-{name}", type=float, default=default, help=f"least {what} (%(default)s)"
        )


def acceptance_of(given: Namespace) -> Acceptance:
    """What those options say. Raises ValueError, naming the wrong one."""
    return Acceptance(
        PhotoLimits(max_bytes=given.max_photo_bytes),
        QualityLimits(
            width=given.min_face_width,
            sharpness=given.min_face_sharpness,
            brightness=given.min_face_brightness,
        ),
        SeveralFaces(given.several_faces),
    )


def _groups(starts: str | None) -> AgeGroups | None:
    if starts is None:
        return None
    try:
        years = [int(start) for start in starts.split(",")]
    except ValueError:
        raise ValueError(f"age groups are whole years as in 0,18,65, got {starts!r}") from None
    return AgeGroups.starting_at(years)

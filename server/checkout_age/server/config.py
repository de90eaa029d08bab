"""The server's settings, checked once at the door."""

import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from checkout_age.server.age import AgeGroups
from checkout_age.server.check import ALLOWED
from checkout_age.server.choice import SeveralFaces
from checkout_age.server.edge_options import EdgeOptions
from checkout_age.server.options import Options, option
from checkout_age.server.photo import DEFAULT_LIMITS, PhotoLimits
from checkout_age.server.quality import DEFAULT_QUALITY, QualityLimits
from checkout_age.server.runtime_options import RuntimeOptions
from checkout_age.server.security import require_host
from checkout_age.server.settings import Settings, add_options, settings_of
from checkout_age.server.shopper import Acceptance

LAST_PORT = 65535
SHIPPED = Path(__file__).parents[2] / "models" / "distilled"
"""The model that comes with the sources."""


def groups_starting(starts: str) -> AgeGroups:
    """Age groups from the youngest age of each, as 0,18,65. Raises ValueError."""
    try:
        years = [int(start) for start in starts.split(",")]
    except ValueError:
        raise ValueError(f"age groups are whole years as in 0,18,65, got {starts!r}") from None
    return AgeGroups.starting_at(years)


def starts_of(groups: AgeGroups) -> str:
    """The text that `groups_starting` reads."""
    return ",".join(str(group.youngest) for group in groups.groups)


@dataclass(frozen=True, kw_only=True)
class ModelOptions(Options):
    """The model"""

    model: Path = option(SHIPPED, "models/NAME/VERSION, or models/NAME for its newest version")


@dataclass(frozen=True, kw_only=True)
class PhotoOptions(Options):
    """Which photos are given an age"""

    max_photo_bytes: int = option(
        DEFAULT_LIMITS.max_bytes, "largest photo that is read", at_least=1
    )
    max_photo_pixels: int = option(
        DEFAULT_LIMITS.max_pixels, "largest photo that is decoded, in pixels", at_least=1
    )
    several_faces: SeveralFaces = option(
        SeveralFaces.CHOOSE, "choose the largest near the middle, or refuse"
    )
    min_face_width: float = option(
        DEFAULT_QUALITY.width, "least pixels that a face is wide", at_least=0
    )
    min_face_sharpness: float = option(
        DEFAULT_QUALITY.sharpness, "least sharpness of a face, 0 for an even grey", at_least=0
    )
    min_face_brightness: float = option(
        DEFAULT_QUALITY.brightness,
        "least brightness of a face's lightest tenth, 0 to 255",
        at_least=0,
    )

    @property
    def acceptance(self) -> Acceptance:
        """The same, as the shopper finder takes it."""
        return Acceptance(
            PhotoLimits(self.max_photo_bytes, self.max_photo_pixels),
            QualityLimits(
                width=self.min_face_width,
                sharpness=self.min_face_sharpness,
                brightness=self.min_face_brightness,
            ),
            self.several_faces,
        )


@dataclass(frozen=True, kw_only=True)
class AnswerOptions(Options):
    """What is answered"""

    age_groups: AgeGroups | None = option(
        None,
        "youngest age of each group, as 0,18,65",
        read=groups_starting,
        show=starts_of,
        unset="the model's own",
    )
    clear_below: float = option(
        ALLOWED,
        "probability of being under age up to which CheckAge says CLEAR",
        at_least=0,
        at_most=0.5,
    )


@dataclass(frozen=True, kw_only=True)
class AddressOptions(Options):
    """Where it listens"""

    host: str = option("127.0.0.1", "address to listen on")
    port: int = option(50051, "port to listen on, 0 for a free one", at_least=0, at_most=LAST_PORT)
    port_file: Path | None = option(
        None,
        "write HOST:PORT to this file once the server listens; it is removed at the end",
        unset="none",
    )


@dataclass(frozen=True, kw_only=True)
class LoadOptions(Options):
    """How much it takes on"""

    max_waiting: int = option(
        256, "photos of calls, streams apart, that wait or are worked on at once", at_least=1
    )
    max_streams: int = option(8, "streams of photos that are open at once", at_least=1)
    max_stream_silence: float = option(
        600.0,
        "seconds that a stream may send nothing once all is answered, 0 for ever",
        at_least=0,
    )


@dataclass(frozen=True, kw_only=True)
class SwapOptions(Options):
    """How another model takes its place"""

    watch_models: float = option(
        5.0, "seconds between looks into the models folder, 0 looks only at SIGHUP", at_least=0
    )
    canary: Path | None = option(
        None,
        "folder of photos that a new model is compared on with the served one",
        unset="frames that come with the server",
    )
    canary_years: float = option(
        10.0, "years by which their ages may differ there, on average", at_least=0
    )
    admin_service: bool = option(
        False, "offer AdminService, which swaps models by call, to whoever may call it"
    )


@dataclass(frozen=True, kw_only=True)
class StopOptions(Options):
    """How it stops"""

    grace: float = option(
        20.0, "seconds that running calls get after the first SIGTERM or SIGINT", at_least=0
    )
    until_stdin_closes: bool = option(
        False, "stop when standard input ends, as it does when the starting process dies"
    )


@dataclass(frozen=True, kw_only=True)
class LookOptions(ModelOptions, PhotoOptions):
    """What `look` shares with the server."""


@dataclass(frozen=True, kw_only=True)
class ServerConfig(
    ModelOptions,
    RuntimeOptions,
    AddressOptions,
    AnswerOptions,
    PhotoOptions,
    LoadOptions,
    SwapOptions,
    EdgeOptions,
    StopOptions,
):
    """How to serve one model: all parts of the table."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_host(self.host, "host")
        require_host(self.metrics_host, "metrics_host")
        if self.canary is not None and not self.canary.is_dir():
            raise ValueError(f"canary must be a folder of photos, {self.canary} is none")
        self.require_guarded(self.host, "host")
        if self.metrics_port is not None:
            self.require_guarded(self.metrics_host, "metrics_host")


SERVE = "Serve age estimates for checkout photos over gRPC."
CONFIG = (
    "Print the settings that it would serve with as a TOML file: each with its three spellings, \
and where its value came from. Status 2 where one is wrong."
)
COMMANDS = """\
commands:
  checkout-age-server config           prints the settings and where each came from
  checkout-age-server look PHOTO...    draws what would be seen in photos
  checkout-age-server token NAME ...   makes a token for a till, a night or an admin
  checkout-age-server models           lists the versions that a running server could serve
  checkout-age-server swap [VERSION]   has it serve another one, or the newest
  checkout-age-server roll-back        has it serve the one before"""


def read_settings(
    arguments: Sequence[str] | None = None,
    *,
    prog: str = "checkout-age-server",
    description: str = SERVE,
) -> Settings[ServerConfig]:
    """Read flags, environment and file; a wrong value ends with status 2 and says which."""
    parser = ArgumentParser(prog=prog, description=description, epilog=COMMANDS)
    add_options(parser, ServerConfig)
    return settings_of(ServerConfig, parser.parse_args(arguments), parser, whole=ServerConfig)


def parse_arguments(arguments: Sequence[str] | None = None) -> ServerConfig:
    """What `read_settings` reads, without its sources."""
    return read_settings(arguments).options


def show_config(arguments: Sequence[str]) -> None:
    """`checkout-age-server config`: print what is set, in a form that --config reads."""
    settings = read_settings(arguments, prog="checkout-age-server config", description=CONFIG)
    sys.stdout.write(settings.in_toml())

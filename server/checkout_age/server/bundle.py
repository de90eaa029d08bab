"""A bundle: one trained model as a folder that says all that serving it needs.

models/<name>/<version>/bundle.json           everything but the weights
models/<name>/<version>/weights.safetensors   kernels in half precision
models/<name>/<version>/int8.xml, int8.bin    where it was quantized: OpenVINO's form of the network
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from safetensors.numpy import save

from checkout_age.server import chip
from checkout_age.server.age import DEFAULT_GROUPS, YEARS, AgeGroups
from checkout_age.server.calibration import Calibration
from checkout_age.server.told import ToldAge
from checkout_age.server.weights import StoredWeights, Weights, rounded

FORMAT = 2
ARCHITECTURE = f"resnet50-logits-{YEARS}/1"
NETWORK = {"format": FORMAT, "architecture": ARCHITECTURE}
"""What a bundle must state for its weights to be read at all."""
FACTS = "bundle.json"
WEIGHTS = "weights.safetensors"
INT8 = ("int8.xml", "int8.bin")
"""The network in whole numbers of 8 bits: graph and weights, as OpenVINO writes them."""
VERSION_DIGITS = 12
READ_AT_ONCE = 2**20


class BundleError(ValueError):
    """The folder holds no model that this server can serve."""


@dataclass(frozen=True)
class Metric:
    """One figure of the model's evaluation, with its 95 % interval; errors in years."""

    name: str
    value: float
    low: float
    high: float
    photos: int
    split: str


@dataclass(frozen=True)
class BundleFacts:
    """What a bundle says of itself beside its weights."""

    name: str
    chip_side: int
    """Pixels of the square chip that the network takes."""
    metrics: tuple[Metric, ...] = ()
    calibration: Calibration = field(default_factory=Calibration)
    """What turns the network's logits into ages."""
    group_starts: tuple[int, ...] = tuple(group.youngest for group in DEFAULT_GROUPS.groups)
    training: Mapping[str, Any] = field(default_factory=dict)
    """The recipe, the initialisation and the fingerprint of the photos."""
    data_terms: str = ""
    told_ages: tuple[ToldAge, ...] = ()
    """What was told of the valid photos; empty in bundles that were measured before it was kept."""
    quantization: Mapping[str, Any] = field(default_factory=dict)
    """How the int8 form was made and how far it lies from this one; empty where there is none."""
    chip_definition: str = chip.DEFINITION
    architecture: str = ARCHITECTURE
    format: int = FORMAT

    def __post_init__(self) -> None:
        if self.chip_side < chip.SMALLEST_SIDE:
            raise ValueError(
                f"chip_side must be at least {chip.SMALLEST_SIDE}, got {self.chip_side}"
            )
        AgeGroups.starting_at(self.group_starts)  # checks them

    @property
    def groups(self) -> AgeGroups:
        """The age groups that estimates are drawn into unless the server is told otherwise."""
        return AgeGroups.starting_at(self.group_starts)


@dataclass(frozen=True)
class Bundle:
    """A model ready to be loaded."""

    facts: BundleFacts
    weights: Weights
    version: str
    """The first 12 hex digits of the SHA-256 over facts, weights and the int8 form."""
    int8: Path | None = None
    """The graph of the int8 form, its weights beside it; None where the bundle has none."""


def write_bundle(
    models: Path, facts: BundleFacts, weights: Weights, int8: Mapping[str, bytes] | None = None
) -> Path:
    """Write `models/<name>/<version>/` and return that folder; the same content, the same name.

    `int8` is the content of the two files of that form, by name; without it the facts' account of
    its making is left out.
    """
    facts = facts if int8 else replace(facts, quantization={})
    files = {WEIGHTS: save({path: rounded(value) for path, value in sorted(weights.items())})}
    files |= {name: int8[name] for name in INT8} if int8 else {}
    described = _described(facts)
    version = digest_of(described, files.values())
    folder = models / facts.name / version
    folder.mkdir(parents=True, exist_ok=True)
    facts_text = _text({"version": version, **described})
    for name, content in {**files, FACTS: facts_text.encode()}.items():
        written = folder / f"{name}.new"
        written.write_bytes(content)
        written.replace(folder / name)
    return folder


def find_bundle(folder: Path) -> Path:
    """The bundle meant by `models/NAME/VERSION`, or by `models/NAME` where it has one version.

    Raises:
        BundleError: there is none, or more than one to choose from.
    """
    if (folder / FACTS).is_file():
        return folder
    versions = sorted(facts.parent for facts in folder.glob(f"*/{FACTS}"))
    if not versions:
        raise BundleError(f"there is no model in {folder}; name a folder as models/NAME/VERSION")
    if len(versions) > 1:
        names = ", ".join(version.name for version in versions)
        raise BundleError(f"{folder} holds several versions, name one of: {names}")
    return versions[0]


def read_bundle(folder: Path) -> Bundle:
    """Read and check a bundle.

    Raises:
        BundleError: files are missing or changed, or they ask for another server than this.
    """
    return _read(folder, {**NETWORK, "chip_definition": chip.DEFINITION})


def read_to_train_on(folder: Path) -> Bundle:
    """Read a bundle as a place to start training from; its chips may have been cut otherwise.

    Raises:
        BundleError: files are missing or changed, or the weights are of another network.
    """
    return _read(folder, NETWORK)


def _read(folder: Path, expected: Mapping[str, Any]) -> Bundle:
    for name in (FACTS, WEIGHTS):
        if not (folder / name).is_file():
            raise BundleError(
                f"{folder} is no model: it has no {name}; "
                f"name the folder of one version, as models/NAME/VERSION"
            )
    try:
        described = json.loads((folder / FACTS).read_text())
        version = described.pop("version")
        facts = _facts(described, expected)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise BundleError(f"{folder / FACTS} cannot be read: {error}") from error
    quantized = bool(facts.quantization) and all((folder / name).is_file() for name in INT8)
    stored = [folder / name for name in (WEIGHTS, *(INT8 if quantized else ()))]
    if version != digest_of(described, _parts(stored)):
        raise BundleError(
            f"{folder} was changed or is incomplete: its content is not that of version {version}"
        )
    int8 = folder / INT8[0] if quantized else None
    return Bundle(facts, StoredWeights(folder / WEIGHTS), version, int8)


def _facts(described: Mapping[str, Any], expected: Mapping[str, Any]) -> BundleFacts:
    for key, ours in expected.items():
        if described.get(key) != ours:
            raise ValueError(f"{key} is {described.get(key)!r}, this server knows {ours!r}")
    return BundleFacts(
        **{
            **described,
            "metrics": tuple(Metric(**metric) for metric in described["metrics"]),
            "group_starts": tuple(described["group_starts"]),
            "told_ages": tuple(
                ToldAge(actual, tuple(quantiles))
                for actual, *quantiles in described.get("told_ages", ())
            ),
            "calibration": Calibration(
                described["calibration"]["temperature"],
                tuple(described["calibration"]["told_from"]),
                tuple(described["calibration"]["levels"]),
            ),
        }
    )


def _described(facts: BundleFacts) -> dict[str, Any]:
    described: dict[str, Any] = json.loads(json.dumps(asdict(facts)))
    described["told_ages"] = [[row.actual, *row.quantiles] for row in facts.told_ages]
    if not facts.quantization:
        del described[
            "quantization"
        ]  # without that form a bundle is as it was before there was one
    return described


def _text(described: Mapping[str, Any]) -> str:
    """Readable JSON in which each told age takes one line."""
    text = json.dumps(described, indent=2) + "\n"
    return re.sub(r"\[[\s\d,]+\]", lambda row: re.sub(r"\s+", " ", row[0]), text)


def digest_of(described: Mapping[str, Any], contents: Iterable[bytes]) -> str:
    """The version that facts and the contents of files, whole or in parts, are known by."""
    digest = hashlib.sha256(json.dumps(described, sort_keys=True).encode())
    for content in contents:
        digest.update(content)
    return digest.hexdigest()[:VERSION_DIGITS]


def _parts(files: Iterable[Path]) -> Iterator[bytes]:
    """The files' content, without all of it in memory."""
    for path in files:
        with path.open("rb") as file:
            while part := file.read(READ_AT_ONCE):
                yield part

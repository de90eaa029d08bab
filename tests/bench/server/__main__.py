"""The server against its parts, a tutorial's server and its peers, all in one run.

    make bench-server [JSON=file] [MODEL=models/NAME/VERSION] [ROUNDS=3] [SECONDS=8]

Clients and server share the machine. Every figure is the median of the rounds, with the least and
the greatest; a round starts every server anew and asks them in turns.
"""

import os
import tempfile
from argparse import ArgumentParser
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from statistics import median

from checkout_age.server.bundle import find_bundle, read_bundle
from checkout_age.server.config import SHIPPED
from checkout_age.server.runtime import RUNTIMES, Precision, RuntimeName, cores
from tests.bench.figures import merge
from tests.bench.server.chips import chips_against_bare
from tests.bench.server.parts import Network
from tests.bench.server.photos import LARGE, ROOT, photos, write_photos
from tests.bench.server.processes import OURS
from tests.bench.server.round import Figures, Place, measure
from tests.bench.table import OF_ROUNDS, print_table
from tests.bench.timing import processor

SHARED_GPU = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false", "TF_FORCE_GPU_ALLOW_GROWTH": "true"}
"""Where there is one: this process, the server and the tutorial's take of it what they need."""


def main() -> None:
    """Measure, print a table and write the figures."""
    parser = ArgumentParser(prog="python -m tests.bench.server", description=__doc__)
    parser.add_argument("--model", type=Path, default=SHIPPED)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=8.0, help="of each measurement")
    parser.add_argument("--alone", action="store_true", help="neither tutorial nor peers")
    parser.add_argument("--runtime", choices=tuple(RUNTIMES), default=RuntimeName.OPENVINO)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    figures: Figures = defaultdict(list)
    os.chdir(ROOT)
    for name, value in SHARED_GPU.items():
        os.environ.setdefault(name, value)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_photos(folder / "photos")
        write_photos(folder / "large", LARGE)
        bundle = read_bundle(find_bundle(given.model))
        runtime = RUNTIMES[RuntimeName(given.runtime)](bundle, Precision.BEST, cores())
        network = Network.of(bundle, photos(), runtime)
        shares = chips_against_bare(bundle, network, given.seconds / 2, given.rounds)
        figures["chips_vs_bare_runtime"] += shares
        kind = replace(OURS, command=(*OURS.command, "--runtime", given.runtime))
        place = Place(folder, given.model, bundle, kind, given.seconds, network)
        for _ in range(given.rounds):
            measure(figures, place, compared=not given.alone)
            merge(given.json, {name: round(median(each), 4) for name, each in figures.items()})
    int8 = bundle.int8 is not None and given.runtime == RuntimeName.OPENVINO
    form = f"{given.runtime} {Precision.INT8 if int8 else Precision.FULL}"
    model = f"{bundle.facts.name} {bundle.version}, {bundle.facts.chip_side} pixels, {form}"
    print_table(f"{model}; {cores()} cores of {processor()}", OF_ROUNDS, figures)


if __name__ == "__main__":
    main()

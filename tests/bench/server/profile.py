"""Where the server's time goes under load, by py-spy. make profile [MODEL=...]

Samples of threads that do not wait for work, 200 a second: on a core, or waiting for one or for
Python's lock. What a sample is counted as is told by the first of PLACES that is on its stack, from
the innermost function outwards. The server is not paused for a sample: pauses take longest where
Python runs, which then looks like more than it is.
"""

import re
import subprocess
import sys
import tempfile
from argparse import ArgumentParser
from collections import Counter
from pathlib import Path
from threading import Thread

from rich.console import Console
from rich.table import Table

from checkout_age.server.config import SHIPPED
from tests.bench.server.load import CLIENTS
from tests.bench.server.photos import write_photos
from tests.bench.server.processes import OURS, running

SETTLING = 3.0
"""Seconds of load before: what is made ready behind the start is over by then."""
PLACES = (
    ("the network", r"\blogits \("),
    ("BlazeFace's networks", r"\brun \(.*blazeface_network"),
    ("finding faces, around its networks", r"blazeface|boxes|face_finder|view\.py"),
    ("decoding", r"\bdecode \("),
    ("cutting the chip", r"\bcut_chip \("),
    ("judging the face", r"\brequire_quality \("),
    ("the rest of reading", r"\b_read \(.*scorer"),
    ("calibration and intervals", r"\b_run \(.*scorer"),
    ("the queue", r"/queue\.py"),
    ("messages", r"/wire\.py|\b_fill \(|\b_?outcome \("),
    (
        "logs, metrics, limits, request ids",
        r"calls\.py|watch\.py|metrics\.py|logs\.py|logging|admission",
    ),
)
"""Each with what tells it on a frame, as py-spy writes it: function (file:line), and the function's
class before it where it knows that."""
ELSE = "gRPC and the event loop"
WAITING = (
    r"\bwait \(threading|\bselect \(selectors|\brun \(threading|\b_worker \(concurrent"
    r"|\b_write_now_and_then \(|\brun \(asyncio/runners"
)
"""The innermost frame of a thread that has nothing to do. Of the event loop's own thread nobody can
tell by its frames whether uvloop waits or works in C: such samples count as waiting."""


def main() -> None:
    """Load a server, sample it, and print the shares."""
    parser = ArgumentParser(prog="python -m tests.bench.server.profile", description=__doc__)
    parser.add_argument("--model", type=Path, default=SHIPPED)
    parser.add_argument("--seconds", type=int, default=20)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        photo = write_photos(folder / "photos")
        with running(OURS, given.model, photo, folder / "log") as server:
            server.ask(folder / "photos", CLIENTS, 0, SETTLING)
            load = Thread(
                target=server.ask, args=(folder / "photos", CLIENTS, 0, given.seconds + 5)
            )
            load.start()
            subprocess.run(
                [
                    *(
                        str(Path(sys.executable).parent / "py-spy"),
                        "record",
                        "--idle",
                        "--nonblocking",
                    ),
                    *("--pid", str(server.process.pid), "--duration", str(given.seconds)),
                    *("--rate", "200", "--format", "raw", "--output", str(folder / "stacks")),
                ],
                check=True,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            load.join()
        counts = counted((folder / "stacks").read_text())
    table = Table(title="Where the server's time goes", title_justify="left")
    table.add_column("place")
    table.add_column("share", justify="right")
    for place in (*(place for place, _ in PLACES), ELSE):
        table.add_row(place, f"{counts[place] / counts.total():.1%}")
    Console(soft_wrap=True).print(table)


def counted(stacks: str) -> Counter[str]:
    """Samples by place, from py-spy's raw form: frames from the outermost, then how often."""
    counts: Counter[str] = Counter()
    for line in stacks.splitlines():
        frames, _, number = line.rpartition(" ")
        stack = frames.split(";")
        if not re.search(WAITING, stack[-1]):
            counts[_place(stack)] += int(number)
    return counts


def _place(frames: list[str]) -> str:
    for frame in reversed(frames):
        for place, mark in PLACES:
            if re.search(mark, frame):
                return place
    return ELSE


if __name__ == "__main__":
    main()

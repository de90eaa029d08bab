"""What a running process hears, and hears even while something hangs."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from checkout_age.server.signals import STOP, Signals, StdinError

HANGS = """
import asyncio, sys, threading, time
from checkout_age.server.signals import Signals

async def hang():
    signals = Signals()
    print("ready", flush=True)
    {where}

asyncio.run(hang())
"""


ENDS = """
import asyncio, signal
from checkout_age.server.signals import STOP, Signals

async def end():
    signals = Signals()
    signal.raise_signal({number})
    await asyncio.wait_for(signals.stop.wait(), 30)
    print(all(signal.getsignal(each) is signal.SIG_DFL for each in STOP))

asyncio.run(end())
"""


@pytest.mark.parametrize("number", STOP)
def test_the_first_signal_asks_for_an_end_and_a_second_would_be_the_systems_own(
    number: signal.Signals,
) -> None:
    run = subprocess.run(  # not in this process, which other tests need
        [sys.executable, "-c", ENDS.format(number=int(number))],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert run.stdout == "True\n"


def test_a_loop_that_is_over_gives_the_signals_back() -> None:
    async def listen() -> None:
        Signals()

    asyncio.run(listen())
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize(
    "where",
    [
        "time.sleep(60)",
        "threading.Semaphore(0).acquire()",
        "while True: sys.stderr.write('.' * 1000)",
    ],
)
def test_a_second_signal_ends_the_process_even_where_its_loop_hangs(where: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HANGS.format(where=where)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,  # which nobody reads
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        until = time.monotonic() + 30
        while process.poll() is None and time.monotonic() < until:
            process.send_signal(signal.SIGTERM)  # two that come together count as one
            time.sleep(0.05)
        status = process.poll()
        process.kill()
    assert status == -signal.SIGTERM


async def test_an_end_of_standard_input_asks_for_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        signals = Signals()
        await signals.stop_with_stdin()
        assert not signals.stop.is_set()
        os.close(writing)
        await asyncio.wait_for(signals.stop.wait(), 30)


@pytest.mark.parametrize("name", ["/dev/null", "file"])
async def test_a_standard_input_that_can_tell_no_end_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    file = tmp_path / name
    if name == "file":
        file.touch()
    with file.open() as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        with pytest.raises(StdinError, match="standard input is no pipe"):
            await Signals().stop_with_stdin()


async def test_a_closed_standard_input_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(StdinError, match="standard input is no pipe"):
        await Signals().stop_with_stdin()


def test_a_server_that_is_to_stop_with_no_input_says_so_in_one_line() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "checkout_age.server", "--until-stdin-closes", "--port", "0"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert run.returncode == 1
    (line,) = run.stderr.splitlines()
    assert line.startswith("checkout-age-server: standard input is no pipe")

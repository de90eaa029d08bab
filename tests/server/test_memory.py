"""Memory that was freed goes back, and lies about in few heaps of the C library."""

import os
import platform
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc")

HEAPS = """
import ctypes, threading
from checkout_age.server.memory import few_arenas
few_arenas({arenas})
everyone = threading.Barrier(8)
def work():
    everyone.wait()
    held = [bytes(2000) for _ in range(1000)]
    everyone.wait()
threads = [threading.Thread(target=work) for _ in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
library = ctypes.CDLL(None)
library.malloc_info(0, ctypes.c_void_p.in_dll(library, "stdout"))
library.fflush(None)
"""
GIVEN_BACK = """
from checkout_age.server.memory import give_back
def resident():
    return int(open("/proc/self/statm").read().split()[1])
pieces = [bytes(50_000) for _ in range(2000)]
last = bytes(50_000)
del pieces
before = resident()
give_back()
print(before - resident())
"""


def run(code: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **environment},
    )
    return done.stdout


@pytest.mark.parametrize("arenas", [1, 3])
def test_threads_share_as_many_heaps_as_they_are_told(arenas: int) -> None:
    assert run(HEAPS.format(arenas=arenas)).count("<heap nr=") == arenas


def test_what_the_environment_says_of_heaps_holds() -> None:
    assert run(HEAPS.format(arenas=3), MALLOC_ARENA_MAX="2").count("<heap nr=") == 2
    tunables = "glibc.malloc.arena_max=1"
    assert run(HEAPS.format(arenas=3), GLIBC_TUNABLES=tunables).count("<heap nr=") == 1


def test_what_was_freed_goes_back_to_the_system() -> None:
    pages = int(run(GIVEN_BACK))
    assert pages * 4096 > 50e6

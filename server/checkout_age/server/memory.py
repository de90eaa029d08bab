"""Memory: what the C library keeps of it, and when that goes back to the system."""

import ctypes
import gc
import os

ARENA_MAX = -8
"""glibc's name for it, M_ARENA_MAX of malloc.h."""


def few_arenas(arenas: int) -> None:
    """Let threads share so many of the C library's heaps, each of which keeps what was freed in it.

    By default it makes eight for each core, and what photos leave behind lies about in all of them.
    Before threads start; without effect where the C library is not glibc, or the environment says
    how many there shall be.
    """
    if "MALLOC_ARENA_MAX" in os.environ or "arena_max" in os.environ.get("GLIBC_TUNABLES", ""):
        return
    _library("mallopt", ARENA_MAX, arenas)


def give_back() -> None:
    """Return what is not needed any more: Python keeps cycles, and the C library freed pages."""
    gc.collect()
    _library("malloc_trim", 0)


def _library(function: str, *arguments: int) -> None:
    try:
        getattr(ctypes.CDLL(None), function)(*arguments)
    except (AttributeError, OSError):  # another C library than glibc
        return

"""The machine's own pace: whether its cores are as quick at one time as at another."""

import hashlib
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from checkout_age.server.runtime import cores

STEPS = 2000
"""Of the computation that is timed: less than a millisecond, without Python's lock."""


def unevenness(seconds: float) -> float:
    """How many times as long the same computation takes in its slowest tenth as in its fastest.

    Every core computes; 1 is an even pace. Far above that somebody else uses the machine's cores.
    """
    with ThreadPoolExecutor(cores()) as pool:
        taken = [each for some in pool.map(_taken, [seconds] * cores()) for each in some]
    fastest, slowest = np.percentile(taken, [10, 90]).tolist()
    return float(slowest / fastest)


def _taken(seconds: float) -> list[float]:
    end, taken = time.perf_counter() + seconds, []
    while (began := time.perf_counter()) < end:
        hashlib.pbkdf2_hmac("sha256", b"pace", b"pace", STEPS)
        taken.append(time.perf_counter() - began)
    return taken

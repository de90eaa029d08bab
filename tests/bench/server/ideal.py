"""An ideal queue, for comparison: nothing around it, each core does one photo after the other."""

import heapq
import random

ARRIVALS = 100_000


def ideal_p99(rate: float, service: float, cores: int) -> float:
    """The 99th percentile of seconds from arrival to answer where a core does each photo whole.

    Photos arrive at random, `rate` a second, and are taken in the order in which they came, each
    for `service` seconds; nobody waits while a core is free (Kendall's M/D/c).
    """
    draw, now = random.Random(0), 0.0
    free = [0.0] * cores
    taken = []
    for _ in range(ARRIVALS):
        now += draw.expovariate(rate)
        done = max(now, free[0]) + service
        heapq.heapreplace(free, done)
        taken.append(done - now)
    return sorted(taken)[int(0.99 * ARRIVALS)]

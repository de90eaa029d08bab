"""Goals: what the figures are held to."""

AT_LEAST = {
    "chips_vs_bare_runtime": 0.95,
    "photos_vs_parts_limit": 0.9,
    "photos_vs_tutorial_server": 8.0,
    "vs_bentoml": 1.0,
    "vs_litserve": 1.0,
    "night_vs_load_generator": 0.95,
}
AT_MOST = {
    "failed": 0.0,
    "own_share_ms": 1.0,
    "large_own_share_ms": 1.0,
    "lone_till_p50_vs_bare": 1.2,
    "half_load_p99_vs_bare": 4.0,
    "tills_lone_p50_vs_bare": 1.2,
    "tills_half_load_p99_vs_bare": 4.0,
    "tills_failed": 0.0,
    "start_to_first_answer_s": 2.0,
    "rss_mb": 500.0,
    "vs_bentoml_p99": 1.0,
    "vs_bentoml_memory": 1.0,
    "vs_litserve_p99": 1.0,
    "vs_litserve_memory": 1.0,
    "memory_1m_vs_10k": 1.2,
    "seconds_per_purchase_1m_vs_10k": 1.1,
    "job_ms_per_photo": 1.0,
}


def goal_of(name: str, value: float) -> str:
    """The goal of a figure in words, and whether the value reaches it; empty where it has none."""
    if name in AT_LEAST:
        goal, reached = f"at least {AT_LEAST[name]:g}", value >= AT_LEAST[name]
    elif name in AT_MOST:
        goal, reached = f"at most {AT_MOST[name]:g}", value <= AT_MOST[name]
    else:
        return ""
    return goal if reached else f"{goal}: missed"

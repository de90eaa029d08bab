"""What server/README.md says of the edge is so."""

import re
from pathlib import Path

from checkout_age.server.guard import EVERYONE, INFERENCE, NIGHTS, OPEN, ROLES
from checkout_age.server.metrics import Metrics
from checkout_age.server.tokens import Role


def readme(root: Path) -> str:
    return (root / "server" / "README.md").read_text()


def test_every_metric_is_listed_and_no_other(root: Path) -> None:
    metrics = Metrics()
    metrics.photo("estimate")
    told = {
        sample.name
        for family in metrics.registry.collect()
        for sample in family.samples
        if family.name.startswith("checkout_age")
    } | {family.name for family in metrics.registry.collect()}
    listed = set(re.findall(r"^\| `(checkout_age_\w+)` \|", readme(root), re.M))
    assert listed
    assert {name.removesuffix("_total") for name in listed} == {
        name for name in told if name.startswith("checkout_age") and not name.endswith("_total")
    }


def test_every_role_and_what_anyone_may_call_are_listed(root: Path) -> None:
    text = readme(root)
    rows = dict(re.findall(r"^\| (`\w+`|nobody's) \| (.*) \|$", text, re.M))
    assert {f"`{role}`" for role in Role} < set(rows)
    for method, roles in ROLES.items():
        name = method.rpartition("/")[2]
        row = rows["`till`"] if roles == EVERYONE else rows["`night`"]
        assert roles in (EVERYONE, NIGHTS)
        if name not in ("ServerReflectionInfo",) and INFERENCE not in method:
            assert f"`{name}`" in row
    for method in OPEN:
        name = method.rpartition("/")[2]
        assert name in rows["nobody's"] or "grpc.health.v1" in method

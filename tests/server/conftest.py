"""What several tests of the server start from."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from checkout_age.server.bundle import read_bundle, write_bundle


@pytest.fixture
def newer(tiny_bundle: Path) -> str:
    """A version beside the one that is served, a day younger."""
    bundle = read_bundle(tiny_bundle)
    facts = replace(bundle.facts, data_terms="drawn by nobody else")
    weights = {path: bundle.weights[path] for path in bundle.weights}
    folder = write_bundle(tiny_bundle.parents[1], facts, weights)
    later = (folder / "bundle.json").stat().st_mtime + 86400
    os.utime(folder / "bundle.json", (later, later))
    return folder.name

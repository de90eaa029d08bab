from pathlib import Path

import numpy as np
import pytest

from checkout_age.server.bundle import BundleError, BundleFacts, read_bundle, write_bundle
from checkout_age.server.network import build_network
from checkout_age.training.fitting.initialisation import FROM_RANDOM, find_initialisation
from checkout_age.training.publishing.publish import weights_of


@pytest.mark.slow
def test_a_model_trained_before_is_gone_on_from_even_where_its_chips_were_cut_otherwise(
    tmp_path: Path,
) -> None:
    trained = FROM_RANDOM.network(dropout=0.0)
    facts = BundleFacts(
        "older", 32, training={"initialisation": "random"}, chip_definition="centre-square/1"
    )
    folder = write_bundle(tmp_path, facts, weights_of(trained))
    with pytest.raises(BundleError, match="chip_definition is 'centre-square/1'"):
        read_bundle(folder)
    start = find_initialisation(str(tmp_path / "older"))
    assert start.name == f"older/{folder.name}, which started from random"
    for ours, theirs in zip(start.network(dropout=0.1).weights, trained.weights, strict=True):
        np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), rtol=1e-3, atol=1e-6)


@pytest.mark.slow
def test_from_random_every_block_begins_as_the_identity() -> None:
    plain = {w.path: np.asarray(w) for w in build_network().weights}
    silent = {w.path: np.asarray(w) for w in FROM_RANDOM.network(dropout=0.0).weights}
    changed = [path for path in plain if path.endswith("_3_bn/gamma")]
    assert len(changed) == 16
    assert all((plain[path] == 1).all() and (silent[path] == 0).all() for path in changed)


def test_a_start_that_is_nowhere_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"there is no file or model .*gone\.h5"):
        find_initialisation(str(tmp_path / "gone.h5"))
    with pytest.raises(BundleError, match="there is no model in"):
        find_initialisation(str(tmp_path))

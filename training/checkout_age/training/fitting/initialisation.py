"""Where training starts: at random, at published weights, or at a model trained before."""

from dataclasses import dataclass
from pathlib import Path

import keras

from checkout_age.server.bundle import find_bundle, read_to_train_on
from checkout_age.server.network import build_network, fill
from checkout_age.server.weights import Weights

RANDOM = "random"
IMAGENET = "imagenet"


@dataclass(frozen=True, eq=False)
class Initialisation:
    """The weights before the first step."""

    name: str
    """What the bundle will state."""
    published: str | None = None
    """Keras' name or file of ResNet50 weights without top."""
    trained: Weights | None = None
    """All weights, of a bundle."""

    def network(self, dropout: float) -> keras.Model:
        """The network with these weights, for chips of any side."""
        network = build_network(weights=self.published, dropout=dropout)
        if self.trained is not None:
            fill(network, self.trained)
        elif self.published is None:
            _silence_residuals(network)
        return network


FROM_RANDOM = Initialisation(RANDOM)


def find_initialisation(given: str, option: str = "--weights") -> Initialisation:
    """What `random`, `imagenet`, a file of weights or the folder of a bundle means.

    Raises:
        FileNotFoundError: it is none of these.
        BundleError: the folder holds no bundle of this network.
    """
    if given == RANDOM:
        return FROM_RANDOM
    if given == IMAGENET:
        return Initialisation(IMAGENET, published=IMAGENET)
    if Path(given).is_dir():
        bundle = read_to_train_on(find_bundle(Path(given)))
        before = bundle.facts.training.get("initialisation", "unknown")
        name = f"{bundle.facts.name}/{bundle.version}, which started from {before}"
        return Initialisation(name, trained=bundle.weights)
    if not Path(given).is_file():
        raise FileNotFoundError(f"{option}: there is no file or model {given}")
    return Initialisation(Path(given).name, published=given)


def _silence_residuals(network: keras.Model) -> None:
    """Start each residual block as the identity (Goyal et al. 2017, arXiv:1706.02677)."""
    for layer in network.layers:
        if layer.name.endswith("_3_bn"):
            layer.gamma.assign(layer.gamma * 0)

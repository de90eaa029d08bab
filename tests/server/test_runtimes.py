"""The runtimes and forms of a network agree, OpenVINO's without TensorFlow."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import openvino
import pytest
from numpy.typing import NDArray
from openvino import opset13 as ops

from checkout_age.server.age import YEARS
from checkout_age.server.bundle import Bundle, BundleError, BundleFacts, find_bundle, read_bundle
from checkout_age.server.calibration import Calibration
from checkout_age.server.compilation import compiled, copied
from checkout_age.server.config import SHIPPED
from checkout_age.server.face_finder import FaceFinder
from checkout_age.server.graph import build_graph
from checkout_age.server.keras_runtime import KerasRuntime
from checkout_age.server.network import build_network
from checkout_age.server.openvino_runtime import OpenVinoRuntime
from checkout_age.server.photo import Pixels
from checkout_age.server.runtime import Precision, Runtime, keras_runtime, openvino_runtime
from checkout_age.server.shopper import ShopperFinder
from tests.e2e.samples import frames

pytestmark = pytest.mark.slow

FORM_APART = 0.6
"""Years between the ages that int8 and full precision tell of a photo, on average, at most."""


@pytest.fixture(scope="module")
def shipped() -> Bundle:
    return read_bundle(find_bundle(SHIPPED))


@pytest.fixture(scope="module")
def chips(pytestconfig: pytest.Config, shipped: Bundle) -> Pixels:
    """Those of the sample day."""
    shoppers = ShopperFinder(FaceFinder(), shipped.facts.chip_side)
    photos = frames(pytestconfig.rootpath)[::4]
    return np.stack([shoppers.find(photo.read_bytes()).chip for photo in photos])


def ages(runtime: Runtime, chips: Pixels, calibration: Calibration) -> list[float]:
    return [calibration.distribution(row).age for row in runtime.logits(chips)]


def test_no_form_of_the_shipped_model_tells_ages_further_apart_than_is_promised(
    shipped: Bundle, chips: Pixels
) -> None:
    calibration = shipped.facts.calibration
    reference = ages(KerasRuntime(shipped), chips, calibration)
    full = ages(openvino_runtime(shipped, Precision.FULL, 2), chips, calibration)
    assert full == pytest.approx(reference, abs=0.01)
    if shipped.int8 is not None:
        int8 = ages(openvino_runtime(shipped, Precision.INT8, 2), chips, calibration)
        assert np.abs(np.array(int8) - reference).mean() < FORM_APART


def test_a_lone_chip_a_batch_and_every_core_give_the_same_logits(
    shipped: Bundle, chips: Pixels
) -> None:
    runtime = openvino_runtime(shipped, Precision.BEST, 2)
    assert isinstance(runtime, OpenVinoRuntime)
    together = runtime.logits(chips)
    lone = runtime.logits(chips[:1], alone=True)  # which begins to make use of every core
    assert runtime._widening is not None
    runtime._widening.join()
    wide = runtime.logits(chips[:1], alone=True)
    assert lone[0] == pytest.approx(together[0], abs=1e-3)
    assert wide[0] == pytest.approx(together[0], abs=1e-3)


def test_threads_that_ask_at_once_and_more_than_there_are_cores_get_their_own_chips_logits(
    shipped: Bundle, chips: Pixels
) -> None:
    runtime = openvino_runtime(shipped, Precision.BEST, 2)
    expected = [runtime.logits(chip[None])[0] for chip in chips]
    with ThreadPoolExecutor(5) as threads:
        asked = list(range(len(chips))) * 5
        told = threads.map(lambda number: runtime.logits(chips[number][None])[0], asked)
        for number, logits in zip(asked, told, strict=True):
            assert logits == pytest.approx(expected[number], abs=1e-3)


def test_the_graph_follows_the_network_at_any_side_and_any_statistics() -> None:
    keras.utils.set_random_seed(7)
    network = build_network(48)
    generator = np.random.default_rng(7)
    weights = {
        variable.path: np.abs(generator.normal(1, 0.1, variable.shape)).astype(np.float32)
        if "variance" in variable.path or "gamma" in variable.path
        else np.asarray(variable.value)
        for variable in network.weights
    }
    bundle = Bundle(BundleFacts("random", 48), weights, "v")
    chips = generator.integers(0, 256, (2, 48, 48, 3)).astype(np.uint8)
    told = OpenVinoRuntime(build_graph(weights, 48), 1).logits(chips)
    assert told == pytest.approx(KerasRuntime(bundle).logits(chips), rel=1e-3, abs=1e-3)


def test_single_precision_is_asked_for_whatever_the_cpu_has() -> None:
    chips = ops.parameter([1, 4], np.float32)
    first = compiled(openvino.Model([ops.relu(chips)], [chips]))
    for model in (first, copied(first)):
        assert model.get_property("INFERENCE_PRECISION_HINT") == openvino.Type.f32


def test_weights_of_another_network_are_refused_by_openvino_too() -> None:
    with pytest.raises(BundleError, match=r"not this network's: .*conv1"):
        build_graph({"dense/kernel": np.ones((2, 2), np.float16)}, 32)


def test_a_form_that_is_not_there_is_asked_for_in_vain_and_told_how_to_make_it(
    shipped: Bundle,
) -> None:
    without = replace(shipped, int8=None)
    with pytest.raises(BundleError, match="has no int8 form; checkout-age-training quantize makes"):
        openvino_runtime(without, Precision.INT8, 1)
    with pytest.raises(BundleError, match="the runtime keras has no int8 form"):
        keras_runtime(shipped, Precision.INT8, 1)


def test_openvino_serves_without_tensorflow(tmp_path: Path) -> None:
    code = (
        "import sys, numpy as np\n"
        "from checkout_age.server import serving\n"
        "from checkout_age.server.bundle import find_bundle, read_bundle\n"
        "from checkout_age.server.config import SHIPPED\n"
        "from checkout_age.server.runtime import Precision, openvino_runtime\n"
        "bundle = read_bundle(find_bundle(SHIPPED))\n"
        "runtime = openvino_runtime(bundle, Precision.BEST, 1)\n"
        "side = bundle.facts.chip_side\n"
        "assert runtime.logits(np.zeros((1, side, side, 3), np.uint8)).shape == (1, 101)\n"
        "print(sorted({'tensorflow', 'keras', 'jax', 'torch', 'nncf'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_keras_runs_batches_of_powers_of_two_and_takes_no_compiling_for_its_pace(
    tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []

    class Compiles:
        def predict_on_batch(self, chips: NDArray[np.float32]) -> NDArray[np.float32]:
            if len(chips) not in sizes:
                time.sleep(0.3)  # as XLA does
            sizes.append(len(chips))
            assert not chips[5:].any()
            return np.arange(len(chips) * YEARS, dtype=np.float32).reshape(-1, YEARS)

    monkeypatch.setattr("checkout_age.server.keras_runtime.build_network", lambda _: Compiles())
    monkeypatch.setattr("checkout_age.server.keras_runtime.fill", lambda *_: None)
    runtime = KerasRuntime(read_bundle(tiny_bundle))
    chips = np.ones((5, 32, 32, 3), np.uint8)
    logits = runtime.logits(chips)
    assert sizes == [8]
    assert logits.shape == (5, YEARS)
    assert logits[4, 0] == 4 * YEARS
    assert runtime.batch == 1  # nothing is known yet
    runtime.logits(chips)
    assert runtime.batch > 1


def test_keras_batches_grow_to_what_runs_within_its_patience(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    runtime = KerasRuntime.__new__(KerasRuntime)
    for pace, batch in ((0.0, 1), (1.0, 1), (0.03, 2), (0.01, 8), (0.0001, 32)):
        monkeypatch.setattr(runtime, "_pace", pace, raising=False)
        assert runtime.batch == batch

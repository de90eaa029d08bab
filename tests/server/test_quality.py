import numpy as np
import pytest
from PIL import Image

from checkout_age.server.face import FaceError, FaceFault
from checkout_age.server.photo import Pixels
from checkout_age.server.quality import (
    QualityLimits,
    brightness,
    grey_of,
    require_quality,
    sharpness,
)
from tests.conftest import confetti


def fault_of(chip: Pixels, width: float = 64) -> FaceError:
    with pytest.raises(FaceError) as raised:
        require_quality(chip, QualityLimits(), width=width, faces_found=3)
    return raised.value


def test_a_large_sharp_bright_face_passes() -> None:
    require_quality(confetti(64, 64), QualityLimits(), width=64, faces_found=1)


def test_a_small_face_is_told_with_its_width() -> None:
    error = fault_of(confetti(64, 64), width=22)
    assert error.fault is FaceFault.TOO_SMALL
    assert (error.measured, error.threshold, error.faces_found) == (22, 24, 3)


def test_a_dark_face_is_told_with_the_light_on_it() -> None:
    error = fault_of(confetti(100, 100) // 10)
    assert error.fault is FaceFault.TOO_DARK
    assert error.measured < 26


def test_a_dark_skin_with_light_on_it_is_not_too_dark() -> None:
    grey = np.full((64, 64), 30, np.float32)
    grey[:, :9] = 120  # highlights on an eighth of the face
    assert brightness(grey) == 120


def test_a_blurred_face_is_told_with_its_sharpness() -> None:
    coarse = Image.fromarray(confetti(5, 5))
    error = fault_of(np.asarray(coarse.resize((100, 100), Image.Resampling.BICUBIC)))
    assert error.fault is FaceFault.TOO_BLURRED
    assert 0 < error.measured < error.threshold


def test_sharpness_does_not_depend_on_contrast() -> None:
    grey = grey_of(confetti(64, 64))
    assert sharpness(grey * 0.3 + 50) == pytest.approx(sharpness(grey), rel=0.01)
    assert sharpness(np.full((64, 64), 99, np.float32)) == 0


def test_limits_of_zero_let_everything_pass() -> None:
    nothing = QualityLimits(width=0, sharpness=0, brightness=0)
    black = np.zeros((100, 100, 3), np.uint8)
    require_quality(black, nothing, width=1, faces_found=1)


def test_limits_below_zero_are_refused() -> None:
    with pytest.raises(ValueError, match="sharpness must be at least 0, got -1"):
        QualityLimits(sharpness=-1)
    with pytest.raises(ValueError, match="width must be at least 0, got nan"):
        QualityLimits(width=float("nan"))

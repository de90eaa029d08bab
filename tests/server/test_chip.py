import numpy as np

from checkout_age.server.chip import cut_chip


def test_the_chip_is_the_middle_of_a_wide_photo() -> None:
    photo = np.zeros((50, 150, 3), np.uint8)
    photo[:, 50:100] = 200
    assert (cut_chip(photo, 32)[1:-1, 1:-1] == 200).all()


def test_the_chip_is_the_middle_of_a_tall_photo() -> None:
    photo = np.zeros((150, 50, 3), np.uint8)
    photo[50:100] = 200
    assert (cut_chip(photo, 32)[1:-1, 1:-1] == 200).all()


def test_a_square_photo_of_the_right_side_is_its_own_chip() -> None:
    photo = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    assert (cut_chip(photo, 64) == photo).all()


def test_fine_patterns_are_averaged_not_skipped() -> None:
    stripes = np.zeros((320, 320, 3), np.uint8)
    stripes[:, ::2] = 255
    assert np.abs(cut_chip(stripes, 32).astype(int) - 127).max() <= 8

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkout_age.server.view import View
from tests.faces import face_at


@pytest.mark.parametrize(
    ("height", "width", "shape"),
    [(480, 640, (128, 160)), (1080, 1920, (96, 160)), (640, 480, (160, 128)), (9, 9, (160, 160))],
)
def test_a_whole_photo_is_seen_with_little_black_beside_it(
    height: int, width: int, shape: tuple[int, int]
) -> None:
    photo = np.full((height, width, 3), 200, np.uint8)
    seen = View.of_whole(photo).seen(photo, 160)
    assert seen.shape == (*shape, 3)
    filled = (seen == 200).all(axis=2)
    assert filled.sum() == pytest.approx(
        160 * 160 * height * width / max(height, width) ** 2, rel=0.01
    )
    assert filled[0, 0]


@pytest.mark.parametrize(("height", "width"), [(100, 1000), (1000, 100), (1, 5000), (400, 900)])
def test_a_strip_is_seen_whole_with_black_below_or_beside_it(height: int, width: int) -> None:
    photo = np.full((height, width, 3), 200, np.uint8)
    seen = View.of_whole(photo).seen(photo, 160)
    assert sorted(seen.shape) == [3, 96, 160]
    expected = 160 * max(1, round(160 * min(height, width) / max(height, width)))
    assert (seen > 150).all(axis=2).sum() == pytest.approx(expected, rel=0.02)


def test_a_margin_makes_the_photo_smaller() -> None:
    photo = np.full((100, 100, 3), 200, np.uint8)
    seen = View.with_margin(photo, margin=0.5).seen(photo, 64)
    assert (seen[16:48, 16:48] == 200).all()
    assert seen[:16].max() == seen[:, 48:].max() == 0


@given(
    st.integers(1, 90), st.integers(1, 90), st.integers(-200, 200), st.integers(-200, 200),
    st.integers(1, 500),
)  # fmt: skip
def test_any_view_of_any_photo_is_a_square_of_the_asked_side(
    height: int, width: int, left: int, top: int, side: int
) -> None:
    photo = np.full((height, width, 3), 99, np.uint8)
    seen = View(left, top, side).seen(photo, 32)
    assert seen.shape == (32, 32, 3)
    assert set(np.unique(seen)) <= {0, 99}


@pytest.mark.parametrize(("x", "y"), [(30, 40), (90, 10)])
def test_what_is_found_in_a_view_is_told_in_pixels_of_the_photo(x: int, y: int) -> None:
    photo = np.zeros((120, 160, 3), np.uint8)
    photo[y - 2 : y + 2, x - 2 : x + 2] = 255
    view = View.around(face_at(x + 5, y - 3, 20), widths=3)
    rows, columns = np.nonzero(view.seen(photo, 128)[..., 0] > 128)
    in_view = face_at(columns.mean() + 0.5, rows.mean() + 0.5, 10)
    assert np.allclose(view.to_photo(in_view, 128).centre, (x, y), atol=0.5)


@given(st.integers(1, 5000), st.integers(1, 5000))
def test_tiles_cover_a_photo_and_are_few(height: int, width: int) -> None:
    photo = np.broadcast_to(np.zeros((1, 1, 3), np.uint8), (height, width, 3))
    tiles = View.tiles(photo, 0.5)
    assert 1 <= len(tiles) <= 9
    assert min(tile.left for tile in tiles) <= 0
    assert max(tile.left + tile.longer for tile in tiles) >= width
    assert min(tile.top for tile in tiles) <= 0
    assert max(tile.top + tile.longer for tile in tiles) >= height
    assert {tile.longer for tile in tiles} == {-(-max(height, width) // 2)}

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from checkout_age.server.photo import PhotoError, decode
from checkout_age.training.sample_day import FEWEST, average_face, make_sample_day


def test_an_average_of_fewer_than_twelve_faces_is_refused() -> None:
    face = np.zeros((4, 4, 3), np.uint8)
    with pytest.raises(ValueError, match="at least 12 faces, got 11"):
        average_face([face] * 11)


def test_an_average_is_the_mean_of_its_faces() -> None:
    faces = [np.full((2, 2, 3), value, np.uint8) for value in range(100, 100 + FEWEST)]
    assert (average_face(faces) == round(100 + (FEWEST - 1) / 2 + 0.01)).all()


def test_the_shipped_day_is_small_whole_and_has_every_trouble(root: Path) -> None:
    sample = root / "batch" / "sample"
    purchases = pd.read_csv(sample / "purchases.csv")
    baskets = pd.read_csv(sample / "baskets.csv")
    assert len(purchases) == 200
    assert purchases["purchase_id"].is_unique
    assert set(baskets["purchase_id"]) == set(purchases["purchase_id"])
    assert list(baskets.columns) == ["purchase_id", "product", "category", "quantity", "amount"]
    files = {path.name: path.read_bytes() for path in (sample / "photos").iterdir()}
    assert 55 <= len(files) <= 70
    assert sum(path.stat().st_size for path in sample.rglob("*") if path.is_file()) < 3e6
    named = set(purchases["photo"].dropna())
    assert named - set(files) == {"till-lost.jpg"}
    assert purchases["photo"].isna().any()
    assert files["till-empty.jpg"] == b""
    for bad in ("till-text.jpg", "till-truncated.jpg"):
        with pytest.raises(PhotoError):
            decode(files[bad])
    decode(files["till-nobody.jpg"])


@pytest.mark.slow
def test_the_command_makes_the_shipped_day(faces_folder: Path, root: Path, tmp_path: Path) -> None:
    make_sample_day(faces_folder, tmp_path)
    shipped = root / "batch" / "sample"
    made = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert made == {str(p.relative_to(shipped)) for p in shipped.rglob("*") if p.is_file()}
    for name in made:
        assert (tmp_path / name).read_bytes() == (shipped / name).read_bytes()

from pathlib import Path

import pytest

from checkout_age.batch.photos import PhotoRoot, PhotoRootError


def test_photos_are_read_below_the_root(tmp_path: Path) -> None:
    (tmp_path / "till").mkdir()
    (tmp_path / "till" / "1.jpg").write_bytes(b"photo")
    assert PhotoRoot(tmp_path).read("till/1.jpg") == b"photo"


@pytest.mark.parametrize(
    "photo", ["../secret.jpg", "/etc/hostname", "link.jpg", "circle.jpg", "nul\0.jpg"]
)
def test_a_path_that_leaves_the_root_is_refused(tmp_path: Path, photo: str) -> None:
    root = tmp_path / "photos"
    root.mkdir()
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    (root / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    (root / "circle.jpg").symlink_to(root / "circle.jpg")
    with pytest.raises(FileNotFoundError, match=r"outside the folder of photos|leads nowhere"):
        PhotoRoot(root).read(photo)


def test_a_missing_photo_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"1\.jpg cannot be read: there is no such file"):
        PhotoRoot(tmp_path).read("1.jpg")


def test_a_missing_root_is_named(tmp_path: Path) -> None:
    with pytest.raises(PhotoRootError, match=r"no folder of photos at .*gone"):
        PhotoRoot(tmp_path / "gone")

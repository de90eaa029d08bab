from pathlib import Path

import pytest

from checkout_age.batch.photos import (
    LargePhotoError,
    MissingPhotoError,
    PhotoError,
    PhotoRootError,
    photo_root,
)


def test_photos_are_read_below_the_root(tmp_path: Path) -> None:
    (tmp_path / "till").mkdir()
    (tmp_path / "till" / "1.jpg").write_bytes(b"photo")
    assert photo_root(tmp_path).read("till/1.jpg") == b"photo"


@pytest.mark.parametrize(
    "photo", ["../secret.jpg", "/etc/hostname", "link.jpg", "circle.jpg", "nul\0.jpg"]
)
def test_a_path_that_leaves_the_root_is_refused(tmp_path: Path, photo: str) -> None:
    root = tmp_path / "photos"
    root.mkdir()
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    (root / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    (root / "circle.jpg").symlink_to(root / "circle.jpg")
    with pytest.raises(PhotoError, match=r"outside the folder of photos|leads nowhere"):
        photo_root(root).read(photo)


def test_a_missing_photo_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingPhotoError, match=r"1\.jpg cannot be read: there is no such file"):
        photo_root(tmp_path).read("1.jpg")


def test_a_missing_root_is_named(tmp_path: Path) -> None:
    with pytest.raises(PhotoRootError, match=r"no folder of photos at .*gone"):
        photo_root(tmp_path / "gone")


def test_a_photo_over_the_limit_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "1.jpg").write_bytes(b"12345")
    assert photo_root(tmp_path).read("1.jpg", at_most=5) == b"12345"
    with pytest.raises(LargePhotoError, match="the photo has 5 bytes, the server reads 4"):
        photo_root(tmp_path).read("1.jpg", at_most=4)


def test_a_link_that_stays_below_the_root_is_followed_and_a_folder_is_no_photo(
    tmp_path: Path,
) -> None:
    (tmp_path / "till").mkdir()
    (tmp_path / "1.jpg").write_bytes(b"photo")
    (tmp_path / "till" / "2.jpg").symlink_to("../1.jpg")
    assert photo_root(tmp_path).read("till/2.jpg") == b"photo"
    with pytest.raises(MissingPhotoError, match="cannot be read"):
        photo_root(tmp_path).read("till")


def test_a_photo_that_is_deleted_is_gone_and_one_outside_cannot_be(tmp_path: Path) -> None:
    root = tmp_path / "photos"
    root.mkdir()
    (root / "1.jpg").write_bytes(b"photo")
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    photo_root(root).delete("1.jpg")
    assert not photo_root(root).has("1.jpg")
    with pytest.raises(PhotoError, match="outside"):
        photo_root(root).delete("../secret.jpg")
    assert (tmp_path / "secret.jpg").exists()

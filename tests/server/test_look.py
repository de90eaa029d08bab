import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from checkout_age.server.look import PANEL, look


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        look([str(argument) for argument in arguments])
    return int(ended.value.code or 0)


def test_the_picture_shows_the_photo_with_its_box_and_the_chip_beside_it(
    root: Path, tmp_path: Path, tiny_bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frame = root / "batch/sample/photos/till-00.jpg"
    assert run(frame, "--out", tmp_path / "seen", "--model", tiny_bundle) == 0
    assert "2 found, the shopper's is" in capsys.readouterr().out
    with Image.open(tmp_path / "seen" / "till-00.jpg.look.png") as picture:
        assert picture.size == (960 + PANEL, 720)
        pixels = np.asarray(picture).reshape(-1, 3)
    for colour in ((255, 196, 0), (120, 170, 255)):  # the shopper's box, the other's
        assert (pixels == colour).all(axis=1).sum() > 500


def test_what_the_server_would_refuse_is_said_and_drawn_all_the_same(
    root: Path, tmp_path: Path, tiny_bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos = [root / f"batch/sample/photos/till-{name}.jpg" for name in ("dark", "nobody")]
    assert run(*photos, "--out", tmp_path, "--model", tiny_bundle) == 0
    said = capsys.readouterr().out
    assert "too dark" in said
    assert "no face was found" in said
    assert len(list(tmp_path.glob("*.look.png"))) == 2


def test_a_file_that_cannot_be_read_is_named_and_the_others_are_drawn(
    root: Path, tmp_path: Path, tiny_bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos = root / "batch/sample/photos"
    bad, good = photos / "till-truncated.jpg", photos / "till-03.jpg"
    assert run(bad, tmp_path / "gone.jpg", good, "--out", tmp_path, "--model", tiny_bundle) == 1
    said = capsys.readouterr().err
    assert "till-truncated.jpg: the JPEG photo" in said
    assert "gone.jpg" in said
    assert (tmp_path / "till-03.jpg.look.png").is_file()


def test_look_is_a_command_of_the_server(
    root: Path, tmp_path: Path, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from checkout_age.server.__main__ import main

    given = [str(root / "batch/sample/photos/till-03.jpg"), "--out", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", ["x", "look", *given, "--model", str(tiny_bundle)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    assert (tmp_path / "till-03.jpg.look.png").is_file()

"""What a file of tokens may look like."""

import logging
from pathlib import Path

import pytest

from checkout_age.server.tokens import Caller, Role, Tokens, add_token

MARK = b"\xef\xbb\xbf"


def test_a_file_that_windows_has_marked_as_utf_8_is_read_all_the_same(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    token = add_token(file, Caller("till-1", Role.TILL))
    file.write_bytes(MARK + file.read_bytes())
    assert Tokens(file).caller(token) == Caller("till-1", Role.TILL)
    added = add_token(file, Caller("till-2", Role.TILL))
    assert Tokens(file).caller(added) == Caller("till-2", Role.TILL)


@pytest.mark.parametrize("text", ["", "# till-1 till sha256:00\n\n"])
def test_a_file_that_lets_nobody_in_is_warned_of_at_the_start(
    tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "tokens"
    file.write_text(text)
    Tokens(file)
    assert "tokens names no caller: nobody is let in until a line is added" in caplog.text


def test_a_file_that_lets_nobody_in_any_more_is_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("checkout_age.server.reread.LOOKS", 0.0)
    file = tmp_path / "tokens"
    token = add_token(file, Caller("till-1", Role.TILL))
    tokens = Tokens(file)
    assert tokens.caller(token) is not None
    assert not caplog.records
    file.write_text("")
    assert tokens.caller(token) is None
    (warning,) = [each for each in caplog.records if each.levelno == logging.WARNING]
    assert "names no caller" in warning.getMessage()


def test_a_first_token_is_added_to_an_empty_file_without_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "tokens"
    file.touch()
    add_token(file, Caller("till-1", Role.TILL))
    assert not caplog.records

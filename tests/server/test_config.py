from pathlib import Path

import pytest

from checkout_age.server.config import parse_arguments


def test_unless_told_otherwise_the_shipped_model_is_served_on_loopback(root: Path) -> None:
    config = parse_arguments([])
    assert config.model == root / "server" / "models" / "balanced"
    assert (config.host, config.port) == ("127.0.0.1", 50051)
    assert config.age_groups is None


def test_age_groups_are_read_as_starting_ages() -> None:
    groups = parse_arguments(["--model", "m", "--age-groups", "0,18,65"]).age_groups
    assert groups is not None
    assert [group.label for group in groups.groups] == ["0-17", "18-64", "65+"]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (["--port", "70000"], "port must be 0..65535, got 70000"),
        (["--age-groups", "0,x"], "age groups are whole years as in 0,18,65, got '0,x'"),
        (["--age-groups", "18,65"], "must cover 0 to 100"),
        (["--max-photo-bytes", "0"], "max_bytes must be at least 1, got 0"),
        (["--min-face-width", "-2"], "width must be at least 0, got -2.0"),
        (["--several-faces", "guess"], "invalid choice: 'guess'"),
        (["--grace", "-1"], "grace must be at least 0 seconds, got -1.0"),
    ],
)
def test_a_wrong_value_ends_with_status_2_and_is_named(
    wrong: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parse_arguments(["--model", "m", *wrong])
    assert ended.value.code == 2
    assert words in capsys.readouterr().err

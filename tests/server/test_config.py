import tomllib
from pathlib import Path

import pytest

from checkout_age.server.config import ServerConfig, parse_arguments, show_config
from checkout_age.server.options import table_of
from tests.house.option_table import README, listed, option_table

WRONG = [
    ("port", "70000", "port must be 0..65535, got 70000"),
    ("port", "first", "port must be a whole number, got 'first'"),
    ("age-groups", "0,x", "age groups are whole years as in 0,18,65, got '0,x'"),
    ("age-groups", "18,65", "must cover 0 to 100"),
    ("max-photo-bytes", "0", "max_photo_bytes must be at least 1, got 0"),
    ("min-face-width", "-2", "min_face_width must be at least 0, got -2.0"),
    ("min-face-sharpness", "nan", "min_face_sharpness must be at least 0, got nan"),
    ("several-faces", "guess", "several_faces must be one of choose, refuse, got 'guess'"),
    ("grace", "-1", "grace must be at least 0, got -1.0"),
    ("tokens", "", "tokens must be a path, got ''; unset it to have the default: no tokens"),
    ("tls-cert", "", "tls_cert must be a path, got ''; unset it to have the default: plain text"),
    ("canary", " ", "canary must be a path, got ' '; unset it to have the default: frames that"),
    ("model", "", "model must be a path, got ''; unset it to have the default: "),
]


def variable(key: str) -> str:
    return "CHECKOUT_AGE_SERVER_" + key.upper().replace("-", "_")


def refusal(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """What is said when the process ends with status 2."""
    with pytest.raises(SystemExit) as ended:
        parse_arguments(arguments)
    assert ended.value.code == 2
    return capsys.readouterr().err


def test_unless_told_otherwise_the_shipped_model_is_served_on_loopback(root: Path) -> None:
    config = parse_arguments([])
    assert config.model == root / "server" / "models" / "distilled"
    assert (config.host, config.port) == ("127.0.0.1", 50051)
    assert config.age_groups is None


def test_age_groups_are_read_as_starting_ages() -> None:
    groups = parse_arguments(["--model", "m", "--age-groups", "0,18,65"]).age_groups
    assert groups is not None
    assert [group.label for group in groups.groups] == ["0-17", "18-64", "65+"]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_a_wrong_value_ends_with_status_2_and_is_named_wherever_it_was_given(
    wrong: tuple[str, str, str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    key, value, words = wrong
    assert words in refusal([f"--{key}={value}"], capsys)
    file = tmp_path / "server.toml"
    file.write_text(f"{key} = '{value}'\n")
    assert words in refusal(["--config", str(file)], capsys)
    monkeypatch.setenv(variable(key), value)
    told = refusal([], capsys)
    assert words in told
    assert variable(key) in told


def test_a_flag_wins_over_the_environment_that_over_the_file_that_over_the_default(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "server.toml"
    file.write_text("port = 1\nhost = '::1'\ngrace = 7\nage-groups = [0, 18]\n")
    monkeypatch.setenv("CHECKOUT_AGE_SERVER_CONFIG", str(file))
    monkeypatch.setenv("CHECKOUT_AGE_SERVER_PORT", "2")
    monkeypatch.setenv("CHECKOUT_AGE_SERVER_HOST", "127.0.0.2")
    config = parse_arguments(["--port", "3"])
    assert (config.port, config.host, config.grace) == (3, "127.0.0.2", 7.0)
    assert config.age_groups is not None
    assert len(config.age_groups.groups) == 2
    assert config.max_photo_bytes == ServerConfig().max_photo_bytes


def test_a_yes_in_the_file_can_be_taken_back_by_a_flag(tmp_path: Path) -> None:
    file = tmp_path / "server.toml"
    file.write_text("until-stdin-closes = true\n")
    assert parse_arguments(["--config", str(file)]).until_stdin_closes
    assert not parse_arguments(
        ["--config", str(file), "--no-until-stdin-closes"]
    ).until_stdin_closes


def test_paths_in_the_file_start_from_its_folder(tmp_path: Path) -> None:
    file = tmp_path / "server.toml"
    file.write_text("model = 'models/distilled'\nport-file = '/run/port'\n")
    config = parse_arguments(["--config", str(file)])
    assert config.model == tmp_path / "models" / "distilled"
    assert config.port_file == Path("/run/port")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("prot = 1", "there is no setting prot; is it port?"),
        ("colour = 1", "there is no setting colour; --help lists them"),
        ("port = ", "cannot be read: Invalid value"),
        ("[server]\nport = 1", "there is no setting server; --help lists them"),
    ],
)
def test_what_a_file_should_not_hold_is_named(
    text: str, words: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "server.toml"
    file.write_text(text)
    told = refusal(["--config", str(file)], capsys)
    assert f"{file}" in told
    assert words in told


def test_a_file_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert "nowhere.toml cannot be read: " in refusal(["--config", "nowhere.toml"], capsys)


def test_a_misspelt_variable_is_refused_not_passed_over(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHECKOUT_AGE_SERVER_GRASE", "3")
    assert "is it CHECKOUT_AGE_SERVER_GRACE?" in refusal([], capsys)


def test_an_empty_name_of_the_file_of_settings_is_refused_not_passed_over(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHECKOUT_AGE_SERVER_CONFIG", "")
    assert "CHECKOUT_AGE_SERVER_CONFIG must be a path, got ''" in refusal([], capsys)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("--host=[::1]", "host must be written without brackets, as ::1, got [::1]"),
        ("--host=unix:/x", "a path is none, and a port is no part of it, got 'unix:/x'"),
        ("--host=127.0.0.1:50051", "a port is no part of it, got '127.0.0.1:50051'"),
        ("--host=", "host must be an address such as 127.0.0.1 or ::1, or a name"),
        ("--metrics-host=[::1]", "metrics_host must be written without brackets, as ::1"),
        ("--otlp-endpoint=garbage", "must be http://HOST:PORT or https://HOST:PORT, got 'garbage'"),
        ("--otlp-endpoint=127.0.0.1:4317", "otlp_endpoint must be http://HOST:PORT"),
        ("--otlp-endpoint=http://", "otlp_endpoint must be http://HOST:PORT"),
        ("--otlp-endpoint=http://a:port", "otlp_endpoint must be http://HOST:PORT"),
        ("--otlp-endpoint=", "otlp_endpoint must be http://HOST:PORT"),
        ("--canary=/nonexistent", "canary must be a folder of photos, /nonexistent is none"),
    ],
)
def test_what_could_never_be_bound_reached_or_read_is_refused_at_the_door(
    given: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert words in refusal([given], capsys)


def test_addresses_names_and_collectors_that_there_can_be_pass_the_door(tmp_path: Path) -> None:
    for host in ("::1", "127.0.0.1", "localhost", "fe80::1%eth0", "ages.shop-1.example", "0.0.0.0"):
        assert parse_arguments(["--host", host, "--insecure"]).host == host
    for endpoint in ("http://127.0.0.1:4317", "https://[::1]:4317", "http://collector/v1"):
        assert parse_arguments(["--otlp-endpoint", endpoint]).otlp_endpoint == endpoint
    assert parse_arguments(["--canary", str(tmp_path)]).canary == tmp_path


def test_the_help_shows_flag_variable_and_key_of_every_setting(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "500")
    with pytest.raises(SystemExit):
        parse_arguments(["--help"])
    told = capsys.readouterr().out
    for row in table_of(ServerConfig):
        assert row.flag in told
        assert f"[env: {row.variable}, file: {row.key}]" in told


def test_config_prints_a_file_that_sets_the_same_and_says_where_each_came_from(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CHECKOUT_AGE_SERVER_GRACE", "3")
    given = ["--age-groups", "0,18,65", "--several-faces", "refuse", "--model", 'a "b"']
    show_config(given)
    text = capsys.readouterr().out
    assert tomllib.loads(text)["age-groups"] == "0,18,65"
    assert "--several-faces or CHECKOUT_AGE_SERVER_SEVERAL_FACES; set by --several-faces" in text
    assert "set by CHECKOUT_AGE_SERVER_GRACE" in text
    for row in table_of(ServerConfig):
        assert f"# {row.flag} or {row.variable}; set by " in text
        assert f"\n{row.key} = " in text or f"\n# {row.key} is unset: {row.unset}" in text
    file = tmp_path / "again.toml"
    file.write_text(text)
    first = parse_arguments(given)
    monkeypatch.delenv("CHECKOUT_AGE_SERVER_GRACE")
    again = parse_arguments(["--config", str(file)])
    assert again.model == tmp_path / 'a "b"'
    assert (again.grace, again.age_groups) == (first.grace, first.age_groups)


def test_the_readme_lists_every_setting_as_the_table_has_it() -> None:
    assert listed(README.read_text()) == option_table(), "run make readme-options"

from argparse import ArgumentParser
from pathlib import Path

import pytest

from checkout_age.client import Access, AccessError
from checkout_age.client.access import access_of, add_access, is_loopback


@pytest.mark.parametrize(
    "address",
    [
        "localhost:1",
        "127.0.0.1:1",
        "127.8.0.1:1",
        "[::1]:1",
        "unix:/run/ages",
        "dns:///localhost:1",
    ],
)
def test_addresses_of_this_machine_are_known(address: str) -> None:
    assert is_loopback(address)


@pytest.mark.parametrize(
    "address", ["ages.shop:443", "0.0.0.0:1", "10.0.0.1:1", "localhost.evil.org:1", "[fe80::1]:1"]
)
def test_all_others_are_other_machines(address: str) -> None:
    assert not is_loopback(address)


def test_photos_leave_this_machine_in_plain_text_only_on_purpose() -> None:
    with pytest.raises(AccessError, match=r"ages\.shop:50051 is not this machine: .*--insecure"):
        Access().credentials("ages.shop:50051")
    assert Access(insecure=True).credentials("ages.shop:50051") is None
    assert Access().credentials("127.0.0.1:50051") is None


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (["--cert", "c.pem"], "a certificate and its key go together"),
        (["--insecure", "--ca", "ca.pem"], "either encrypted or insecure"),
    ],
)
def test_options_that_contradict_each_other_are_refused(wrong: list[str], words: str) -> None:
    parser = ArgumentParser()
    add_access(parser)
    with pytest.raises(AccessError, match=words):
        access_of(parser.parse_args(wrong))


def test_a_token_is_read_anew_for_each_call_and_shown_to_nobody(tmp_path: Path) -> None:
    file = tmp_path / "till.token"
    file.write_text("first\n")
    access = Access(token_file=file)
    assert access.metadata() == (("authorization", "Bearer first"),)
    file.write_text("second\n")
    assert access.metadata() == (("authorization", "Bearer second"),)
    assert "hush" not in repr(Access(token="hush"))


@pytest.mark.parametrize("content", ["", "two words", "gr\u00fcn", "\x00"])
def test_a_file_without_a_token_is_named(tmp_path: Path, content: str) -> None:
    file = tmp_path / "till.token"
    file.write_text(content)
    with pytest.raises(AccessError, match=r"there is no token in .*till\.token"):
        Access(token_file=file).metadata()
    file.unlink()
    with pytest.raises(AccessError, match="the token cannot be read from"):
        Access(token_file=file).metadata()

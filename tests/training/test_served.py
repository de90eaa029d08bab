"""A running server held against what was measured without it, whatever it asks of its clients."""

import asyncio
from pathlib import Path

import numpy as np
import pytest

from checkout_age.client.access import Access, AccessError
from checkout_age.server.tokens import Caller, Role, add_token
from checkout_age.training.dataset.photo_file import FacesError
from checkout_age.training.evaluation.served import served_ages
from tests.authority import Authority
from tests.conftest import Serving


@pytest.fixture
def photos(tmp_path: Path, photo: bytes, black_photo: bytes) -> list[Path]:
    files = [tmp_path / "bright.jpg", tmp_path / "black.jpg"]
    for file, content in zip(files, (photo, black_photo), strict=True):
        file.write_bytes(content)
    return files


async def test_it_is_asked_over_tls_with_a_token(
    serving: Serving, tmp_path: Path, photos: list[Path]
) -> None:
    authority, tokens = Authority(tmp_path), tmp_path / "tokens"
    pems = authority.issue("server", "127.0.0.1")
    (tmp_path / "ours").write_text(add_token(tokens, Caller("engineer", Role.TILL)))
    async with serving(tls_cert=pems.cert, tls_key=pems.key, tokens=tokens) as address:
        known = Access(ca=authority.ca, token_file=tmp_path / "ours")
        ages = await asyncio.to_thread(served_ages, address, photos, known)
        unknown = Access(ca=authority.ca, token="guessed")
        with pytest.raises(FacesError, match="UNAUTHENTICATED, the token is not known here"):
            await asyncio.to_thread(served_ages, address, photos, unknown)
    assert ages[0] == pytest.approx(34)
    assert np.isnan(ages[1])


def test_a_token_that_is_not_there_is_named(tmp_path: Path, photos: list[Path]) -> None:
    access = Access(token_file=tmp_path / "none")
    with pytest.raises(AccessError, match="none"):
        served_ages("127.0.0.1:1", photos, access)

"""A shop and a stand-in server for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.batch.shops import SmallShop
from tests.standin import StandIn, serving_stand_in


@pytest.fixture
def shop(tmp_path: Path) -> SmallShop:
    return SmallShop(tmp_path)


@pytest.fixture
def stand_in() -> StandIn:
    return StandIn()


@pytest.fixture
def server(stand_in: StandIn) -> Iterator[str]:
    with serving_stand_in(stand_in) as address:
        yield address

"""Fewer draws than a report makes: what is tested here does not hang on how exact they are."""

from collections.abc import Iterator

import pytest

from checkout_age.batch.report import quantification


@pytest.fixture(scope="module", autouse=True)
def few_draws() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quantification, "DRAWS", 40)
        yield

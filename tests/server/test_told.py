import numpy as np
import pytest

from checkout_age.server.age import YEARS, AgeDistribution
from checkout_age.server.told import LEVELS, ToldAge, tell


def test_what_was_told_is_kept_as_quantiles_in_order_of_age() -> None:
    even = AgeDistribution(np.full(YEARS, 1 / YEARS))
    sure = AgeDistribution(np.eye(YEARS)[33])
    told = tell([34.6, 8.0], [sure, even])
    assert [row.actual for row in told] == [8, 34]
    assert abs(told[0].quantiles[5] - (101 * LEVELS[5] - 0.5) * 10) <= 0.5
    assert told[1].quantiles[0] == 325
    assert told[1].quantiles[-1] == 335


@pytest.mark.parametrize("quantiles", [(1, 2), tuple(range(len(LEVELS), 0, -1))])
def test_quantiles_that_are_too_few_or_not_ascending_are_refused(
    quantiles: tuple[int, ...],
) -> None:
    with pytest.raises(ValueError, match="12 ascending quantiles"):
        ToldAge(34, quantiles)

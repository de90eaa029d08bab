import pytest

from checkout_age.server.told import ToldAge, count_told


def test_photos_are_counted_by_true_and_told_age_in_whole_years() -> None:
    counted = count_told([34.0, 34.6, 34.2, 8.0], [36.9, 36.0, 35.99, 8.5])
    assert counted == (ToldAge(8, 8, 1), ToldAge(34, 35, 1), ToldAge(34, 36, 2))


def test_ages_without_a_photo_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 1 photo"):
        ToldAge(34, 35, 0)

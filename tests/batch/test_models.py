from pathlib import Path

import pytest

from checkout_age.batch.models import FOLDER, keep_model, read_model
from checkout_age.v1 import age_estimation_pb2 as pb

MODEL = pb.GetModelResponse(
    name="balanced",
    version="abc123",
    age_groups=[pb.AgeGroup(youngest=0, oldest=100, label="0+")],
    told_ages=[pb.ToldAge(actual_age=30, told_quantiles=range(300, 312))],
)


def test_a_kept_model_is_read_as_it_was_said_and_an_unknown_one_is_none(tmp_path: Path) -> None:
    keep_model(tmp_path, MODEL)
    keep_model(tmp_path, MODEL)
    assert read_model(tmp_path, "abc123") == MODEL
    assert read_model(tmp_path, "other") is None
    assert [path.name for path in (tmp_path / FOLDER).iterdir()] == ["abc123.json"]


def test_what_a_newer_job_kept_is_read_and_a_damaged_file_is_named(tmp_path: Path) -> None:
    keep_model(tmp_path, MODEL)
    file = tmp_path / FOLDER / "abc123.json"
    file.write_text(file.read_text().replace("{", '{"new": 1,', 1))
    assert read_model(tmp_path, "abc123") == MODEL
    file.write_text('{"name": ')
    with pytest.raises(ValueError, match=r"abc123\.json is damaged"):
        read_model(tmp_path, "abc123")

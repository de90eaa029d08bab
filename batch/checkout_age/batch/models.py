"""The models that scored the lake: what GetModel said of each, kept beside the rows.

models/<version>.json     GetModelResponse as protobuf's JSON, one file a version
"""

import uuid
from pathlib import Path

from google.protobuf import json_format

from checkout_age.v1 import age_estimation_pb2 as pb

FOLDER = "models"


def keep_model(lake: Path, model: pb.GetModelResponse) -> None:
    """Keep what a model said of itself, so that its rows can be understood without the server.

    Raises:
        OSError: it cannot be written.
    """
    kept = _file(lake, model.version)
    kept.parent.mkdir(parents=True, exist_ok=True)
    written = kept.with_name(f".{uuid.uuid4().hex}")
    text = json_format.MessageToJson(model, preserving_proto_field_name=True, indent=None)
    written.write_text(text + "\n", encoding="utf-8")
    written.replace(kept)


def read_model(lake: Path, version: str) -> pb.GetModelResponse | None:
    """What the model of that version said of itself; None where it was not kept.

    Fields that a newer job kept and this one does not know are passed over.

    Raises:
        ValueError: the file is damaged.
    """
    kept = _file(lake, version)
    if not kept.is_file():
        return None
    try:
        return json_format.Parse(
            kept.read_text(encoding="utf-8"), pb.GetModelResponse(), ignore_unknown_fields=True
        )
    except (json_format.ParseError, UnicodeDecodeError) as error:
        raise ValueError(
            f"{kept} is damaged: {error}; score one photo with that model again to renew it"
        ) from error


def _file(lake: Path, version: str) -> Path:
    return lake / FOLDER / f"{version}.json"

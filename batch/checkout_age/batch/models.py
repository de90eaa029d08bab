"""The models that scored the lake: what GetModel said of each, kept beside the rows.

models/<version>.json     GetModelResponse as protobuf's JSON, one file a version
"""

from pathlib import Path

from google.protobuf import json_format

from checkout_age.batch.place import Place, write_whole
from checkout_age.v1 import age_estimation_pb2 as pb

FOLDER = "models"


def keep_model(
    lake: str | Path | Place, model: pb.GetModelResponse, staging: Place | None = None
) -> None:
    """Keep what a model said of itself, so that its rows can be understood without the server.

    Raises:
        OSError: it cannot be written.
    """
    text = json_format.MessageToJson(model, preserving_proto_field_name=True, indent=None)
    write_whole(
        _file(lake, model.version), staging or Place.of(lake) / ".staging", f"{text}\n".encode()
    )


def read_model(lake: str | Path | Place, version: str) -> pb.GetModelResponse | None:
    """What the model of that version said of itself; None where it was not kept.

    Fields that a newer job kept and this one does not know are passed over.

    Raises:
        ValueError: the file is damaged.
    """
    kept = _file(lake, version)
    if not kept.exists():
        return None
    try:
        return json_format.Parse(
            kept.read_bytes().decode(), pb.GetModelResponse(), ignore_unknown_fields=True
        )
    except (json_format.ParseError, UnicodeDecodeError) as error:
        raise ValueError(
            f"{kept.shown} is damaged: {error}; score one photo with that model again to renew it"
        ) from error


def _file(lake: str | Path | Place, version: str) -> Place:
    return Place.of(lake) / FOLDER / f"{version}.json"

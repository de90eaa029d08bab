"""Spark's part of the documents, run as analysts would: in a process of its own, with Java."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest


def answers_of_spark(
    code: str, folder: Path, wanted: Sequence[str], given: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """What the code, run in a folder, has in the variables that are wanted: objects or rows."""
    if find_spec("pyspark") is None or shutil.which("java") is None:
        pytest.skip("PySpark (the extra `spark`) or its Java is not on this machine")
    names = "".join(f"{name} = {value!r}\n" for name, value in (given or {}).items())
    told = "".join(f"    {name!r}: {name},\n" for name in wanted)
    script = folder / "ask_spark.py"
    script.write_text(
        f"{names}{code}\n"
        f"import json\nanswers = {{\n{told}}}\n"
        "with open('answers.json', 'w') as file:\n    json.dump(answers, file)\n"
    )
    quick = "--conf spark.ui.enabled=false --conf spark.sql.shuffle.partitions=1"
    compiler = "--driver-java-options -XX:TieredStopAtLevel=1"  # it would not pay for itself
    arguments = f"{quick} {compiler} pyspark-shell"
    done = subprocess.run(
        [sys.executable, str(script)],
        cwd=folder,
        env=os.environ | {"SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_SUBMIT_ARGS": arguments},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    answers: dict[str, Any] = json.loads((folder / "answers.json").read_text())
    return answers

"""BentoML, as its documentation says for a model of one's own: a worker a core, a file in.

BENCH_MODEL=MODEL bentoml serve tests.bench.server.peer_bentoml:Ages --port PORT
"""

from pathlib import Path

import bentoml

from tests.bench.server.peer_pipeline import CORES, Pipeline


@bentoml.service(workers=CORES, traffic={"timeout": 60})
class Ages:
    def __init__(self) -> None:
        self.pipeline = Pipeline()

    @bentoml.api  # type: ignore[untyped-decorator]  # of the extra bench
    def predict(self, photo: Path) -> dict[str, float]:
        return self.pipeline.age(photo.read_bytes())

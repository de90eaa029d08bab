"""Compilation: graphs made ready for OpenVINO on a CPU, the same way for every network."""

import openvino


def compiled(graph: openvino.Model, threads: int = 1) -> openvino.CompiledModel:
    """For one run at a time on so many threads; on one, in the thread that asks."""
    return openvino.Core().compile_model(graph, "CPU", _settings(threads))


def copied(model: openvino.CompiledModel) -> openvino.CompiledModel:
    """One more of what was compiled for one thread, in a fraction of the time."""
    return openvino.Core().import_model(model.export_model(), "CPU", _settings(threads=1))


def _settings(threads: int) -> dict[str, object]:
    return {
        "NUM_STREAMS": 1,
        "INFERENCE_NUM_THREADS": threads,
        "ENABLE_CPU_PINNING": False,  # the threads are ours, and go where there is room
        "INFERENCE_PRECISION_HINT": "f32",  # else bfloat16 where a CPU has it: other ages there
    }

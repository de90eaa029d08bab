"""Asks a server with Triton's own client: python triton_caller.py ADDRESS PHOTO...; prints JSON.

It runs in a process of its own, since its stubs and ours name the same messages.
"""

import json
import sys
from pathlib import Path

import numpy as np
import tritonclient.grpc as triton


def main(address: str, *photos: str) -> None:
    client = triton.InferenceServerClient(address)
    served = client.get_model_metadata("fake")
    tensor = triton.InferInput("PHOTO", [len(photos)], "BYTES")
    tensor.set_data_from_numpy(np.array([Path(photo).read_bytes() for photo in photos], object))
    wanted = [triton.InferRequestedOutput(name) for name in ("AGE", "AGE_GROUP", "PROBLEM")]
    some = client.infer("fake", [tensor], outputs=wanted, request_id="7")
    every = client.infer("fake", [tensor])
    try:
        client.infer("another", [tensor])
    except triton.InferenceServerException as error:
        refused = f"{error.status()}: {error.message()}"
    told = {
        "live": client.is_server_live(),
        "ready": client.is_server_ready(),
        "model ready": client.is_model_ready("fake"),
        "another ready": client.is_model_ready("another"),
        "server": client.get_server_metadata().name,
        "inputs": [(each.name, each.datatype, list(each.shape)) for each in served.inputs],
        "outputs": {each.name: list(each.shape) for each in served.outputs},
        "versions": list(served.versions),
        "ages": some.as_numpy("AGE").tolist(),
        "groups": [each.decode() for each in some.as_numpy("AGE_GROUP")],
        "problems": [each.decode() for each in some.as_numpy("PROBLEM")],
        "unasked": some.as_numpy("MESSAGE") is None,
        "id": some.get_response().id,
        "distribution": every.as_numpy("AGE_DISTRIBUTION").shape,
        "messages": [each.decode() for each in every.as_numpy("MESSAGE")],
        "refused": refused,
    }
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])

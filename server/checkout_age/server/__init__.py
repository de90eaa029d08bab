"""Hosts a trained ResNet50 behind gRPC: one photo in, an age out."""

import sys

# OpenVINO's import would send usage data to its makers, from a fork of the process that crashes
# beside gRPC's threads; without this package it sends nothing
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # as importlib has it

"""Hosts a trained ResNet50 behind gRPC: one photo in, an age out."""

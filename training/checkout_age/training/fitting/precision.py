"""Precision: in how many bits a network sums while it is trained."""

PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")
"""Keras' names; the weights and the last layer are float32 in all of them."""

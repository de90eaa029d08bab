"""How good a model is, as it is served."""

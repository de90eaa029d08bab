"""Trains the model that the server hosts, and measures it as it is served."""

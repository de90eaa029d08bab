"""The sample day: purchases with nobody's faces."""

"""Recipes: each a Python file whose docstring holds its command and the result it reached."""

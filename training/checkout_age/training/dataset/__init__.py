"""Labelled faces: how folders are laid out, who is in which split, and their chips."""

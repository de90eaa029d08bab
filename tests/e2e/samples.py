"""The sample day's photos."""

from pathlib import Path


def frames(root: Path) -> list[Path]:
    """The frames with shoppers, in order."""
    return sorted((root / "batch/sample/photos").glob("till-[0-9]*.jpg"))

"""The port file: tells whoever started the server where it listens."""

from contextlib import suppress
from pathlib import Path


class PortFileError(OSError):
    """The file that is to tell the port cannot be written."""


def tell_port(address: str, file: Path | None) -> None:
    """Write HOST:PORT as a whole, where a file was named. Raises PortFileError."""
    if file is None:
        return
    written = file.with_name(file.name + ".new")
    try:
        written.write_text(address + "\n")
        written.replace(file)
    except OSError as error:
        raise PortFileError(f"port_file {file} cannot be written: {error.strerror}") from error


def forget_port(address: str, file: Path | None) -> None:
    """Nobody listens there any more; unless another server has written its own address since."""
    if file is not None:
        with suppress(OSError):
            if file.read_text() == address + "\n":
                file.unlink()

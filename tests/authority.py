"""Certificates for tests: an authority of our own, a server's and a client's certificate."""

from dataclasses import dataclass
from pathlib import Path

import trustme


@dataclass(frozen=True)
class Pems:
    """Files of one certificate."""

    cert: Path
    key: Path


class Authority:
    """Signs certificates and writes them into a folder."""

    def __init__(self, folder: Path) -> None:
        self._ca = trustme.CA()
        self._folder = folder
        self.ca = folder / "ca.pem"
        self._ca.cert_pem.write_to_path(self.ca)

    def issue(self, stem: str, *names: str) -> Pems:
        """A new certificate for these names or addresses; a second one of a stem replaces it."""
        issued = self._ca.issue_cert(*names)
        pems = Pems(self._folder / f"{stem}.pem", self._folder / f"{stem}.key")
        issued.private_key_pem.write_to_path(pems.key)
        pems.cert.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
        return pems

"""Certificates: what the server shows to its clients, read again when a file changes."""

import logging
import ssl
from dataclasses import dataclass
from pathlib import Path

import grpc

from checkout_age.server.reread import Reread

logger = logging.getLogger(__name__)


class CertificatesError(ValueError):
    """The certificates cannot be used; the message names the file."""


@dataclass(frozen=True)
class _Shown:
    """One state of the files, for gRPC and for HTTPS."""

    grpc: grpc.ServerCertificateConfiguration
    context: ssl.SSLContext


class Certificates:
    """The server's certificate and key and, for mutual TLS, who vouches for clients."""

    def __init__(self, certificate: Path, key: Path, client_ca: Path | None = None) -> None:
        """Read them all. Raises CertificatesError."""
        files = (certificate, key, *(() if client_ca is None else (client_ca,)))
        self._files = Reread(*files, read=_read)
        self._told = self._files.value()
        self._mutual = client_ca is not None

    def credentials(self) -> grpc.ServerCredentials:
        """For a secure port: each new connection is shown the certificate as it is then."""
        return grpc.dynamic_ssl_server_credentials(
            self._told.grpc,
            self._renewed,  # type: ignore[arg-type]  # the stub knows no None, gRPC's words do
            require_client_authentication=self._mutual,
        )

    def context(self) -> ssl.SSLContext:
        """The same for HTTPS, as it is now."""
        return self._files.value().context

    def _renewed(self) -> grpc.ServerCertificateConfiguration | None:
        """What is new; None for no change. Called by gRPC before each handshake."""
        present = self._files.value()
        if present is self._told:
            return None
        self._told = present
        return present.grpc


def _read(certificate: Path, key: Path, client_ca: Path | None = None) -> _Shown:
    """Read and check: gRPC itself would only refuse every connection."""

    def no_passphrase() -> str:  # else OpenSSL asks the terminal for one, and every handshake waits
        raise CertificatesError(
            f"{key} is encrypted: a key without a passphrase is needed, that its owner alone can "
            f"read; openssl pkey -in {key} -out FILE writes one"
        )

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certificate, key, no_passphrase)
        pair = (key.read_bytes(), certificate.read_bytes())
    except (OSError, ssl.SSLError) as error:
        raise CertificatesError(
            f"{certificate} and {key} are no certificate and its key: {_reason(error)}"
        ) from error
    vouching = None
    if client_ca is not None:
        try:
            context.load_verify_locations(client_ca)
            vouching = client_ca.read_bytes()
        except (OSError, ssl.SSLError) as error:
            raise CertificatesError(
                f"{client_ca} holds no CA certificates: {_reason(error)}"
            ) from error
        context.verify_mode = ssl.CERT_REQUIRED
    return _Shown(
        grpc.ssl_server_certificate_configuration([pair], root_certificates=vouching), context
    )


def _reason(error: OSError) -> str:
    return error.strerror or (getattr(error, "reason", "") or "").replace("_", " ").lower()

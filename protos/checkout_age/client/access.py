"""Access: how a client shows that it may call, and knows that it speaks to the right server."""

import ipaddress
from argparse import ArgumentParser, Namespace
from dataclasses import dataclass, field
from pathlib import Path

import grpc


class AccessError(ValueError):
    """The caller's certificates, token or address cannot be used as given; nothing was sent."""


@dataclass(frozen=True)
class Access:
    """Certificates and a token. Empty: plain text, which only an address of this machine allows.

    Every file is read when a connection is made, the token's again for each call, so that a token
    can be replaced under a running client.
    """

    ca: Path | None = None
    """Certificates (PEM) that vouch for the server; the system's own where only tls is set."""
    certificate: Path | None = None
    """Our own certificate chain (PEM), where the server asks for one (mutual TLS)."""
    key: Path | None = None
    """The private key (PEM) of our certificate."""
    token_file: Path | None = None
    """File that holds the bearer token and nothing else."""
    token: str | None = field(default=None, repr=False)
    """The bearer token itself, instead of a file."""
    tls: bool = False
    """Encrypt; implied by ca and certificate."""
    insecure: bool = False
    """Send photos and token unencrypted even to another machine."""
    server_name: str | None = None
    """The name in the server's certificate, where it is not the one in the address."""

    def __post_init__(self) -> None:
        if (self.certificate is None) != (self.key is None):
            raise AccessError("a certificate and its key go together, only one was given")
        if self.insecure and self.encrypted:
            raise AccessError("either encrypted or insecure, not both")
        if self.token_file is not None and self.token is not None:
            raise AccessError("a token or a file that holds one, not both")

    @property
    def encrypted(self) -> bool:
        """Whether the connection is TLS."""
        return self.tls or self.ca is not None or self.certificate is not None

    def credentials(self, address: str) -> grpc.ChannelCredentials | None:
        """What a channel to the address is opened with; None for plain text.

        Raises:
            AccessError: a file cannot be read, or plain text would leave this machine.
        """
        if self.encrypted:
            return grpc.ssl_channel_credentials(
                root_certificates=_read(self.ca, "the CA certificates"),
                private_key=_read(self.key, "the key"),
                certificate_chain=_read(self.certificate, "the certificate"),
            )
        if not self.insecure and not is_loopback(address):
            raise AccessError(
                f"{address} is not this machine: name the CA that vouches for the server (--ca), "
                "or send photos in plain text on purpose (--insecure)"
            )
        return None

    def metadata(self) -> tuple[tuple[str, str], ...]:
        """The token as metadata of one call; empty without one.

        Raises:
            AccessError: the token's file cannot be read or holds no token.
        """
        token = self.token
        if self.token_file is not None:
            token = (_read(self.token_file, "the token") or b"").decode(errors="replace").strip()
        if token is None:
            return ()
        if not token or not token.isascii() or not token.isprintable() or " " in token:
            where = f" in {self.token_file}" if self.token_file is not None else ""
            raise AccessError(f"there is no token{where}: one word of ASCII letters is expected")
        return (("authorization", f"Bearer {token}"),)


def is_loopback(address: str) -> bool:
    """Whether HOST:PORT, or a socket's path, can only be this machine."""
    target = address.removeprefix("dns:///")
    if target.startswith(("unix:", "unix-abstract:")):
        return True
    host = target.removeprefix("ipv4:").removeprefix("ipv6:").rpartition(":")[0].strip("[]")
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def add_access(parser: ArgumentParser) -> None:
    """The options that every client of the server takes."""
    group = parser.add_argument_group("access to the server")
    group.add_argument("--ca", type=Path, metavar="FILE", help="certificates that vouch for it")
    group.add_argument("--tls", action="store_true", help="encrypt, trusting the system's CAs")
    group.add_argument("--cert", type=Path, metavar="FILE", help="our certificate (mutual TLS)")
    group.add_argument("--key", type=Path, metavar="FILE", help="the key of our certificate")
    group.add_argument("--token-file", type=Path, metavar="FILE", help="file with our token")
    group.add_argument(
        "--server-name", metavar="NAME", help="name in its certificate (that of the address)"
    )
    group.add_argument(
        "--insecure", action="store_true", help="send photos in plain text to another machine"
    )


def access_of(given: Namespace) -> Access:
    """What those options say. Raises AccessError."""
    return Access(
        ca=given.ca,
        certificate=given.cert,
        key=given.key,
        token_file=given.token_file,
        tls=given.tls,
        insecure=given.insecure,
        server_name=given.server_name,
    )


def _read(path: Path | None, what: str) -> bytes | None:
    if path is None:
        return None
    try:
        return path.read_bytes()
    except OSError as error:
        raise AccessError(f"{what} cannot be read from {path}: {error.strerror}") from error

"""Security: the options that say who is let in, and the rule for other addresses than loopback."""

import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path

from checkout_age.server.options import Options, option

NAME = re.compile(r"\w[\w.-]*")
"""What the name of a machine looks like."""


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach what listens there."""
    address = _address(host)
    return host == "localhost" if address is None else address.is_loopback


def require_host(host: str, name: str) -> None:
    """Raise ValueError where nothing can listen on what the option of that name says."""
    bare = host.strip("[]")
    if bare != host and _address(bare) is not None:
        raise ValueError(f"{name} must be written without brackets, as {bare}, got {host}")
    if _address(host) is None and not NAME.fullmatch(host):
        raise ValueError(
            f"{name} must be an address such as 127.0.0.1 or ::1, or a name; "
            f"a path is none, and a port is no part of it, got {host!r}"
        )


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


@dataclass(frozen=True, kw_only=True)
class SecurityOptions(Options):
    """Who is let in"""

    tls_cert: Path | None = option(
        None, "the server's certificate chain, PEM; read again when it changes", unset="plain text"
    )
    tls_key: Path | None = option(None, "the key of that certificate, PEM", unset="none")
    client_ca: Path | None = option(
        None, "who must have signed a client's certificate, PEM (mutual TLS)", unset="none is asked"
    )
    tokens: Path | None = option(
        None, "file of tokens, read again when it changes; see the command token", unset="no tokens"
    )
    insecure: bool = option(
        False, "listen on other addresses than loopback in plain text all the same"
    )
    rate_limit: float | None = option(
        None, "photos a second that each client may send", at_least=0.001, unset="any number"
    )
    rate_burst: float = option(
        20.0, "photos that a client under a rate limit may send at once", at_least=1
    )
    max_call_seconds: float = option(
        30.0, "seconds that a call about one photo may take, whatever its deadline", at_least=0.001
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("tls_cert and tls_key go together, only one was given")
        if self.client_ca is not None and self.tls_cert is None:
            raise ValueError("client_ca needs tls_cert and tls_key")
        if self.insecure and self.tls_cert is not None:
            raise ValueError("either insecure or tls_cert, not both")

    def require_guarded(self, host: str, name: str) -> None:
        """Raise ValueError where photos could be read on their way to the host."""
        if not is_loopback(host) and self.tls_cert is None and not self.insecure:
            raise ValueError(
                f"{name} {host} can be reached from other machines: give tls_cert and tls_key, "
                "or say insecure to listen there in plain text"
            )

"""The guard: who may call what, and how often."""

from collections.abc import Iterable

import grpc

from checkout_age.server.messages import Malformed
from checkout_age.server.rate import Rates
from checkout_age.server.tokens import Caller, Role, Tokens

AGES = "/checkout_age.v1.AgeEstimationService/"
INFERENCE = "/inference.GRPCInferenceService/"
OPEN = frozenset(
    {
        "/grpc.health.v1.Health/Check",
        "/grpc.health.v1.Health/Watch",
        "/grpc.health.v1.Health/List",
        f"{INFERENCE}ServerLive",
        f"{INFERENCE}ServerReady",
        f"{INFERENCE}ModelReady",
    }
)
"""What anyone may call: whether the server is up."""
EVERYONE = frozenset(Role)
NIGHTS = frozenset({Role.NIGHT, Role.ADMIN})
ADMINS = frozenset({Role.ADMIN})
ROLES = {
    f"{AGES}EstimateAge": EVERYONE,
    f"{AGES}CheckAge": EVERYONE,
    f"{AGES}GetModel": EVERYONE,
    f"{AGES}EstimateAges": NIGHTS,
    f"{INFERENCE}ServerMetadata": EVERYONE,
    f"{INFERENCE}ModelMetadata": EVERYONE,
    f"{INFERENCE}ModelInfer": EVERYONE,
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": EVERYONE,
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo": EVERYONE,
}
"""Who may call what; whatever is not named here is the admins'."""
RATED = frozenset({f"{AGES}EstimateAge", f"{AGES}CheckAge", f"{INFERENCE}ModelInfer"})
"""Calls of one photo that count against a client's rate; streams are slowed instead."""
PACED = frozenset({f"{AGES}EstimateAges"})
"""Streams of photos, which are read no faster than a client's rate."""
SCHEME = "bearer "


class Refusal(Exception):  # noqa: N818  # it is told to the caller, nothing failed
    """A call that may not be made, as the caller is told it."""

    def __init__(
        self,
        code: grpc.StatusCode,
        message: str,
        retry_after: float = 0.0,
        caller: Caller | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.caller = caller
        """Who it is told to, where that is known."""
        self.retry_after = retry_after
        """Seconds after which trying again helps; 0 where it will not."""


class Guard:
    """Lets calls pass or refuses them. Without tokens everybody may call everything."""

    def __init__(self, tokens: Tokens | None = None, rates: Rates | None = None) -> None:
        self._tokens = tokens
        self.rates = rates

    def caller(self, method: str, authorization: str | None) -> Caller | None:
        """Who calls; None for somebody that need not say.

        Raises:
            Refusal: the token is missing or unknown, or its role may not call the method.
        """
        if self._tokens is None or method in OPEN:
            return None
        caller = self._known(authorization)
        roles = ROLES.get(method, ADMINS)
        if caller.role not in roles:
            raise Refusal(
                grpc.StatusCode.PERMISSION_DENIED,
                f"{method.rpartition('/')[2]} is for {_listed(roles)}; "
                f"the token of {caller.name} is for the role {caller.role}",
                caller=caller,
            )
        return caller

    def admits(self, authorization: str | None) -> bool:
        """Whether it is the token of anyone at all, where tokens are asked for."""
        try:
            return self._tokens is None or bool(self._known(authorization))
        except Refusal:
            return False

    def count(self, method: str, client: str, photos: int = 1) -> None:
        """Count photos against the client's rate. Raises Refusal where they are too many."""
        if self.rates is None or method not in RATED:
            return
        pause = self.rates.take(client, photos)
        if pause:
            raise Refusal(
                grpc.StatusCode.RESOURCE_EXHAUSTED,
                f"over {self.rates.rate:g} photos a second; try again in {pause:.2f} s",
                pause,
            )

    def _known(self, authorization: str | None) -> Caller:
        assert self._tokens is not None
        if authorization is None or authorization[: len(SCHEME)].lower() != SCHEME:
            raise Refusal(
                grpc.StatusCode.UNAUTHENTICATED,
                "a token is needed: send it as metadata, authorization: Bearer TOKEN",
            )
        caller = self._tokens.caller(authorization[len(SCHEME) :].strip())
        if caller is None:
            raise Refusal(grpc.StatusCode.UNAUTHENTICATED, "the token is not known here")
        return caller


def unreadable(message: Malformed) -> Refusal:
    """What the sender of bytes that are no message is told."""
    return Refusal(grpc.StatusCode.INVALID_ARGUMENT, message.why)


def _listed(roles: Iterable[Role]) -> str:
    return " and ".join(role for role in Role if role in roles)

"""What is served: one model, ready to answer."""

from dataclasses import dataclass

from checkout_age.server.age import AgeGroups
from checkout_age.server.bundle import Bundle
from checkout_age.server.scorer import Scorer


@dataclass(frozen=True)
class Served:
    """A model that is ready to answer."""

    bundle: Bundle
    scorer: Scorer
    groups: AgeGroups

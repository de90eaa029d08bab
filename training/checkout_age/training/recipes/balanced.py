"""Goes on from `refined`: thin ages drawn more often, more kinds of light and detail.

The command:

    checkout-age-training train balanced --faces FACES --out MODELS --weights MODELS/refined
"""

from checkout_age.training.fitting.augmentation import Augmentation
from checkout_age.training.fitting.recipe import Recipe, Stage

RECIPE = Recipe(
    name="balanced",
    stages=(
        Stage(side=64, epochs=4, batch_size=64, rate_from=4e-4, rate_to=3e-4),
        Stage(side=64, epochs=4, batch_size=64, rate_from=3e-4, rate_to=1e-6),
    ),
    pack_side=96,
    balance=0.3,
    dropout=0.1,
    augmentation=Augmentation(dimmed=0.15, coarse=0.15),
)

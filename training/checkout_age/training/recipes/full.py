"""From random initialisation at full size, for a machine with a GPU.

Not run yet: no GPU was at hand. `training/README.md` says what it would take.

Command:

    checkout-age-training train full --faces FACES --out MODELS --precision mixed_bfloat16
"""

from checkout_age.training.fitting.augmentation import Augmentation
from checkout_age.training.fitting.recipe import Recipe, Stage

RECIPE = Recipe(
    name="full",
    stages=(
        Stage(side=96, epochs=60, batch_size=128, rate_from=1e-3, rate_to=4e-4),
        Stage(side=128, epochs=30, batch_size=128, rate_from=4e-4, rate_to=1e-6),
    ),
    pack_side=144,
    balance=0.3,
    dropout=0.3,
    mixed=0.2,
    augmentation=Augmentation(
        smallest_crop=0.8,
        largest_crop=1.12,
        shift=0.06,
        rotation=10.0,
        light=0.35,
        dimmed=0.2,
        coarse=0.25,
        erased=0.25,
    ),
)

"""From random initialisation at full size, for a machine with a GPU.

Test MAE 4.60 years (4.32 to 4.87, 1,171 photos of UTKFace); 13-17 4.09, 18-24 3.25. 90 epochs of
two passes in 9 minutes on one NVIDIA H200, JAX, from the file that `pack` wrote, measured on the
chips in that file. `distilled` goes on from its weights.

Command:

    checkout-age-training train full --faces FACES --out MODELS --precision mixed_bfloat16
"""

from checkout_age.training.fitting.augmentation import Augmentation
from checkout_age.training.fitting.recipe import Recipe, Stage

RECIPE = Recipe(
    name="full",
    stages=(
        Stage(side=96, epochs=45, batch_size=256, rate_from=1.2e-3, rate_to=7e-4),
        Stage(side=128, epochs=45, batch_size=256, rate_from=7e-4, rate_to=1e-6),
    ),
    pack_side=144,
    passes=2,
    averaged=0.7,
    warm_up=400,
    balance=0.3,
    dropout=0.3,
    mixed=0.2,
    augmentation=Augmentation(
        smallest_crop=0.76,
        largest_crop=1.12,
        shift=0.06,
        rotation=12.0,
        light=0.35,
        colour=0.3,
        dimmed=0.15,
        coarse=0.25,
        compressed=0.25,
        erased=0.3,
    ),
)

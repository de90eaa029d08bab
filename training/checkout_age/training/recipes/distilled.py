"""Goes on from `full` and learns from it too: labels beside what `full` says of the same views.

Test MAE 4.64 years (4.35 to 4.91, 1,171 photos of UTKFace); 13-17 3.92, 18-24 3.40. 75 epochs of
two passes in 10 minutes on one NVIDIA H200, JAX, from the file that `pack` wrote; stopped after
epoch 72 and resumed from the checkpoint of epoch 68. Measured on the photos, by `calibrate`.

Command:

    checkout-age-training train distilled --faces FACES --out MODELS --precision mixed_bfloat16 \
      --weights MODELS/full --teacher MODELS/full
"""

from checkout_age.training.fitting.augmentation import Augmentation
from checkout_age.training.fitting.recipe import Recipe, Stage

RECIPE = Recipe(
    name="distilled",
    stages=(Stage(side=128, epochs=75, batch_size=256, rate_from=7e-4, rate_to=1e-6),),
    pack_side=144,
    passes=2,
    averaged=0.7,
    taught=1.0,
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

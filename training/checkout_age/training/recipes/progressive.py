"""ResNet50 from random initialisation on two CPU cores, growing from 32 to 64 pixels.

Test MAE 6.65 years (6.28 to 7.02, 1,173 photos of UTKFace), 94 minutes of fitting. That was on the
middle squares of the photos, before chips were aligned and crops were centred on them; it has not
been run since. `refined` goes on from its weights.

Command:

    checkout-age-training train progressive --faces FACES --out server/models --data-terms TERMS
"""

from checkout_age.training.fitting.recipe import Recipe, Stage

RECIPE = Recipe(
    name="progressive",
    stages=(
        Stage(side=32, epochs=6, batch_size=128, rate_from=1e-3, rate_to=8e-4),
        Stage(side=48, epochs=5, batch_size=128, rate_from=8e-4, rate_to=4e-4),
        Stage(side=64, epochs=3, batch_size=128, rate_from=4e-4, rate_to=5e-6),
    ),
    pack_side=80,
)

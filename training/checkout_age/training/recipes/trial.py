"""One epoch at the smallest size: minutes that show whether a folder of faces can be trained on.

    checkout-age-training train trial --faces FACES --out MODELS

Its model is no good and is not meant to be.
"""

from checkout_age.training.fitting.recipe import Recipe, Stage

RECIPE = Recipe(
    name="trial",
    stages=(Stage(side=32, epochs=1, batch_size=16, rate_from=1e-3, rate_to=1e-4),),
    pack_side=40,
    warm_up=10,
)

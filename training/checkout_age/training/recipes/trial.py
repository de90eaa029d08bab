"""One epoch at the smallest size, which shows whether a folder of faces can be trained on.

Its model is no good and is not meant to be: test MAE 10.20 years (9.58 to 10.85, 1,171 photos of
UTKFace), valid 9.50. On two CPU cores of an AMD EPYC that four other processes used as well it took
45 minutes: 34 of training, 7 and a half of cutting chips, which later runs find ready.

Command:

    checkout-age-training train trial --faces FACES --out MODELS
"""

from checkout_age.training.fitting.recipe import Recipe, Stage

RECIPE = Recipe(
    name="trial",
    stages=(Stage(side=32, epochs=1, batch_size=16, rate_from=1e-3, rate_to=1e-4),),
    pack_side=40,
    warm_up=10,
)

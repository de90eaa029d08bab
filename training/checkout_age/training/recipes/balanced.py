"""Goes on from `refined`: thin ages drawn more often, more kinds of light and detail.

Test MAE 5.20 years (4.89 to 5.53, 1,171 photos of UTKFace); 13-17 5.80, 18-24 3.68.
The last four epochs took 38 minutes on two CPU cores with other work beside them.

That run started from `refined/1075814176d0` and was stopped after epoch 4, when six further epochs
at 80 pixels were cut to four at 64; its train chips were cut when the finder's first look was at
192 pixels. So the command repeats the recipe, not the very same weights.

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

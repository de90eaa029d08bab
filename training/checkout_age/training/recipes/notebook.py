"""The study's own: ResNet50, one rectified neuron, SGD at 0.001, mean absolute error.

For comparison only: one number without a distribution is not what the server serves, so no bundle
is written; the command prints the errors. Not run whole: the study's published ImageNet weights
have to be fetched, and a step of 32 photos at 224 pixels took 23 seconds on two cores of an AMD
EPYC with other work beside it. What was run there is one epoch of 640 photos from random weights,
`train notebook --photos 640 --epochs 1`, in 11 minutes: valid MAE 32.71 years; half of the chips
were mirrored then, none is now. All are aligned, which the study's were not.

Command:

    checkout-age-training train notebook --faces FACES --weights imagenet
"""

from checkout_age.training.fitting.augmentation import Augmentation
from checkout_age.training.fitting.objective import OneNeuron
from checkout_age.training.fitting.recipe import Recipe, Stage

RECIPE = Recipe(
    name="notebook",
    stages=(Stage(side=224, epochs=10, batch_size=32, rate_from=1e-3, rate_to=1e-3),),
    pack_side=224,
    objective=OneNeuron(),
    optimizer="sgd",
    warm_up=0,
    dropout=0.0,
    augmentation=Augmentation(
        mirrored=0.0,
        smallest_crop=1.0,
        largest_crop=1.0,
        shift=0.0,
        rotation=0.0,
        light=0.0,
        grey=0.0,
    ),
)

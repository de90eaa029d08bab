"""checkout-age-training: train, evaluate, and make the sample day."""

import os
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command that the arguments name; status 0 done, 1 bad input, 2 wrong arguments."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # it reports absent GPUs as errors
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # not its default on every CPU
    from checkout_age.training.arguments import run  # only now: it imports TensorFlow

    run(arguments)


if __name__ == "__main__":
    main()

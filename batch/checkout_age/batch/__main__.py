"""checkout-age-batch: score nights, keep them, ask them."""

from argparse import ArgumentParser
from collections.abc import Sequence

from checkout_age.batch.commands import VERBS
from checkout_age.batch.commands.exits import EXITS


def main(arguments: Sequence[str] | None = None) -> None:
    """Carry out the verb that the arguments name; see EXITS for the status."""
    parser = ArgumentParser(
        prog="checkout-age-batch",
        description="Score the photos of a day and keep one row for each purchase.",
        epilog=EXITS,
    )
    commands = parser.add_subparsers(dest="verb", required=True)
    for verb in VERBS:
        verb.add(commands)
    given = parser.parse_args(arguments)
    given.carry_out(given)


if __name__ == "__main__":
    main()

"""checkout-age-client: ask a server from a shell."""

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from google.protobuf.json_format import MessageToDict

from checkout_age.client.access import AccessError, access_of, add_access
from checkout_age.client.blocking import DEADLINE, AgeClient
from checkout_age.client.errors import CallError
from checkout_age.v1 import age_estimation_pb2 as pb

NO_ANSWER, UNUSABLE = 1, 2
EXITS = """\
exit status: 0 every call was answered; 1 one was not, standard error says why;
2 wrong arguments, certificates or token.
"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command that the arguments name; see EXITS for the status."""
    given = _parser().parse_args(arguments)
    try:
        with AgeClient(given.server, access_of(given)) as client:
            if given.wait is not None:
                client.wait(given.wait)
            failed = _model(given, client) if given.command == "model" else _photos(given, client)
    except CallError as error:
        _fail(NO_ANSWER, error)
    except (AccessError, ValueError) as error:
        _fail(UNUSABLE, error)
    if failed:
        sys.exit(NO_ANSWER)


def _fail(status: int, error: Exception) -> NoReturn:
    print(f"checkout-age-client: {error}", file=sys.stderr)
    sys.exit(status)


def _photos(given: Namespace, client: AgeClient) -> bool:
    failed = False
    for path in given.photo:
        try:
            answer, words = _answer(given, client, path.read_bytes())
        except (CallError, OSError) as error:
            print(f"{path}: {error}", file=sys.stderr)
            failed = True
        else:
            print(_json({"photo": str(path)}, answer) if given.json else f"{path}: {words}")
    return failed


def _answer(
    given: Namespace, client: AgeClient, photo: bytes
) -> tuple[pb.EstimateAgeResponse | pb.CheckAgeResponse, str]:
    if given.command == "check":
        checked = client.check_age(photo, given.minimum_age, given.deadline)
        return checked, said_of_check(checked)
    answer = client.estimate_age(photo, given.deadline)
    return answer, said(answer)


def _model(given: Namespace, client: AgeClient) -> bool:
    try:
        model = client.model(given.deadline)
    except CallError as error:
        print(f"checkout-age-client: {error}", file=sys.stderr)
        return True
    if given.json:
        print(_json({}, model))
        return False
    print(f"{model.name} {model.version}, age groups", *(g.label for g in model.age_groups))
    for metric in model.metrics:
        print(
            f"{metric.name}: {metric.value:.4g} ({metric.low:.4g} to {metric.high:.4g}), "
            f"{metric.photos} photos of {metric.split}"
        )
    return False


def said(answer: pb.EstimateAgeResponse) -> str:
    """An answer in words: the group, the age and its 90 % interval in years, or the problem."""
    if answer.WhichOneof("outcome") == "problem":
        return f"not scored: {answer.problem.message}"
    found = answer.estimate
    return f"{found.age_group.label}: {found.age:.0f} ({found.age_low:.0f} to {found.age_high:.0f})"


def said_of_check(answer: pb.CheckAgeResponse) -> str:
    """A check in words: whether to ask for ID, and why."""
    if answer.check == pb.AGE_CHECK_CANNOT_TELL:
        return f"ask for ID: {answer.problem.message}"
    told = f"under age with {answer.probability_under_age:.1%}"
    allowed = f"{answer.allowed_probability:.1%} is allowed"
    clear = answer.check == pb.AGE_CHECK_CLEAR
    return f"{'no ID needed' if clear else 'ask for ID'}: {told}, {allowed}"


def _json(
    first: dict[str, str],
    message: pb.EstimateAgeResponse | pb.CheckAgeResponse | pb.GetModelResponse,
) -> str:
    return json.dumps(first | MessageToDict(message, preserving_proto_field_name=True))


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        prog="checkout-age-client",
        description="Ask an age server about photos or about its model.",
        epilog=EXITS,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    estimate = commands.add_parser("estimate", help="the age in each photo", epilog=EXITS)
    estimate.add_argument("photo", type=Path, nargs="+", help="JPEG, PNG or WebP")
    check = commands.add_parser(
        "check", help="whether ID must be asked for, of the shopper in each photo", epilog=EXITS
    )
    check.add_argument("photo", type=Path, nargs="+", help="JPEG, PNG or WebP")
    check.add_argument(
        "--minimum-age", type=int, required=True, metavar="YEARS", help="that the goods ask for"
    )
    model = commands.add_parser("model", help="what is served and what it reached", epilog=EXITS)
    for command in (estimate, check, model):
        command.add_argument(
            "--server", default="127.0.0.1:50051", metavar="HOST:PORT", help="(%(default)s)"
        )
        command.add_argument(
            "--deadline", type=float, default=DEADLINE, help="seconds for each call (%(default)s)"
        )
        command.add_argument(
            "--wait",
            type=float,
            metavar="SECONDS",
            help="wait as long for a server that is still starting (not at all)",
        )
        command.add_argument("--json", action="store_true", help="one JSON object a line")
        add_access(command)
    return parser


if __name__ == "__main__":
    main()

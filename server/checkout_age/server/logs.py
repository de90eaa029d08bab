"""Logs: lines for people or JSON objects for machines, each with the id of its request."""

import logging
import sys
from typing import TextIO

from pythonjsonlogger.json import JsonFormatter

from checkout_age.server import request_id
from checkout_age.server.watch_options import LogFormat, LogOptions


def set_up_logs(options: LogOptions) -> None:
    """Send all logs of the process to standard error in the form asked for."""
    logging.basicConfig(
        handlers=[handler_of(options, sys.stderr)], level=options.log_level.upper(), force=True
    )
    for noisy in ("grpc", "opentelemetry"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, logging.getLogger().level))


def handler_of(options: LogOptions, stream: TextIO) -> logging.Handler:
    """What writes to a stream in the form asked for."""
    handler = logging.StreamHandler(stream)
    if options.log_format is LogFormat.JSON:
        handler.setFormatter(
            JsonFormatter(
                "{asctime}{levelname}{name}{message}{request_id}",
                style="{",
                datefmt="%Y-%m-%dT%H:%M:%S%z",
                rename_fields={"asctime": "time", "levelname": "level", "name": "logger"},
            )
        )
    else:
        handler.setFormatter(
            logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s%(request)s")
        )
    handler.addFilter(_add_request_id)
    return handler


def _add_request_id(record: logging.LogRecord) -> bool:
    name = request_id.current.get()
    record.request_id = name or None
    record.request = f" [request {name}]" if name else ""
    return True

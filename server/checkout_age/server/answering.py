"""The one place where errors become gRPC status codes."""

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc

from checkout_age.server.admission import OverloadedError
from checkout_age.server.check import MinimumAgeError
from checkout_age.server.drain import DrainingError
from checkout_age.server.photo import PhotoError
from checkout_age.server.stream import SilentStreamError
from checkout_age.server.tensors import TensorError

RETRY_AFTER = "grpc-retry-pushback-ms"
"""The trailing metadata that tells a gRPC client when to come again (gRFC A6)."""

logger = logging.getLogger(__name__)


class ModelNotReadyError(RuntimeError):
    """The model is still loading; asking again later will help."""


class NoSuchModelError(LookupError):
    """The caller names a model that is not served here; another name will help."""


@asynccontextmanager
async def answering(context: "grpc.aio.ServicerContext[Any, Any]") -> AsyncIterator[None]:
    """End the call with the status that fits what was raised inside; tell no internals."""
    try:
        yield
    except (PhotoError, TensorError, MinimumAgeError) as error:
        await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
    except NoSuchModelError as error:
        await context.abort(grpc.StatusCode.NOT_FOUND, str(error))
    except (ModelNotReadyError, DrainingError, SilentStreamError) as error:
        await context.abort(grpc.StatusCode.UNAVAILABLE, str(error))
    except OverloadedError as error:
        hint = (RETRY_AFTER, str(round(1000 * error.retry_after)))
        trailing = (*(context.trailing_metadata() or ()), hint)
        await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, str(error), trailing)
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise  # whoever asked has gone
        # something inside was cancelled: without a status the caller would wait for ever
        await _failed(context)
    except grpc.aio.AbortError:
        raise
    except Exception:
        await _failed(context)


async def _failed(context: "grpc.aio.ServicerContext[Any, Any]") -> None:
    """Tell the caller of a failure of ours by a number that the log explains."""
    incident = uuid.uuid4().hex[:12]
    logger.exception("incident %s", incident)
    await context.abort(
        grpc.StatusCode.INTERNAL,
        f"the server failed; its log tells more under incident {incident}",
    )

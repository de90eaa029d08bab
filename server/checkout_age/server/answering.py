"""The one place where errors become gRPC status codes."""

import logging
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc

from checkout_age.server.photo import PhotoError
from checkout_age.server.tensors import TensorError

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
    except (PhotoError, TensorError) as error:
        await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
    except NoSuchModelError as error:
        await context.abort(grpc.StatusCode.NOT_FOUND, str(error))
    except ModelNotReadyError as error:
        await context.abort(grpc.StatusCode.UNAVAILABLE, str(error))
    except Exception as error:
        if isinstance(error, grpc.aio.AbortError):
            raise
        incident = uuid.uuid4().hex[:12]
        logger.exception("incident %s", incident)
        await context.abort(
            grpc.StatusCode.INTERNAL,
            f"the server failed; its log tells more under incident {incident}",
        )

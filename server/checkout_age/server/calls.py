"""Calls: every call passes here, is let in or refused, named, timed, counted and told."""

import asyncio
import inspect
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, nullcontext
from contextvars import ContextVar
from typing import Any

import grpc

from checkout_age.server import request_id
from checkout_age.server.answering import answering
from checkout_age.server.guard import AGES, RATED, Guard, Refusal, unreadable
from checkout_age.server.logs import CallRecord
from checkout_age.server.messages import Malformed, parser, photo_parser, photos_in
from checkout_age.server.metrics import Metrics
from checkout_age.server.reading import Reading
from checkout_age.server.time_limit import TimeLimit
from checkout_age.server.tokens import Caller
from checkout_age.server.traces import Tracer

logger = logging.getLogger(__name__)

RETRY_AFTER = "grpc-retry-pushback-ms"
"""The trailing metadata from which gRPC clients take the time before another try."""

OF_ONE_PHOTO = frozenset({f"{AGES}EstimateAge", f"{AGES}CheckAge"})
NO_SUCH_METHOD = Refusal(grpc.StatusCode.UNIMPLEMENTED, "Method not found!")
"""In gRPC's own words."""

_caller: ContextVar[Caller | None] = ContextVar("caller", default=None)
_parent: ContextVar[str | None] = ContextVar("parent", default=None)


class Calls(grpc.aio.ServerInterceptor):
    """The only interceptor; it sees no more of a call than its name, metadata and outcome."""

    def __init__(
        self, guard: Guard, metrics: Metrics, tracer: Tracer | None, *, max_seconds: float
    ) -> None:
        self._guard = guard
        self._metrics = metrics
        self._tracer = tracer
        self._limit = TimeLimit(max_seconds)
        self._handlers: dict[str, Any] = {}

    async def intercept_service(self, continuation: Any, details: Any) -> Any:
        """Let the call pass to its handler, or to one that refuses it unread."""
        authorization = given = parent = None
        for key, value in details.invocation_metadata:
            if key == "authorization":
                authorization = value
            elif key == request_id.KEY:
                given = value
            elif key == "traceparent":
                parent = value
        request_id.current.set(request_id.request_id(given))
        _parent.set(parent)
        method: str = details.method
        handler = self._handlers.get(method)
        if handler is None:
            found = await continuation(details)
            if found is None:  # it is neither kept nor told: any name can be asked for
                return self._refusing("unknown", NO_SUCH_METHOD)
            handler = self._handlers[method] = self._watched(method, found)
        try:
            _caller.set(self._guard.caller(method, authorization))
        except Refusal as refusal:
            _caller.set(refusal.caller)
            return self._refusing(method, refusal)
        return handler

    def _watched(self, method: str, handler: Any) -> Any:
        """The handler with all that surrounds a call; one that is no coroutine passes as it is."""
        inner = handler.unary_unary or handler.unary_stream or handler.stream_stream
        if inspect.isasyncgenfunction(inner):
            inner = _writing(inner)
        if not inspect.iscoroutinefunction(inner):
            return handler
        deserialize, serialize = handler.request_deserializer, handler.response_serializer
        parse = (photo_parser if method in OF_ONE_PHOTO else parser)(method, deserialize)
        if handler.stream_stream:
            return grpc.stream_stream_rpc_method_handler(
                self._stream(method, inner), parse, serialize
            )
        made = (
            grpc.unary_stream_rpc_method_handler
            if handler.unary_stream
            else grpc.unary_unary_rpc_method_handler
        )
        return made(self._single(method, inner), parse, serialize)

    def _single(self, method: str, inner: Any) -> Any:
        guard, limit = self._guard, self._limit

        async def answer(request: Any, context: Any) -> Any:
            if isinstance(request, Malformed):
                await _abort(context, unreadable(request))
            if guard.rates is not None:
                try:
                    guard.count(method, _client(context), photos_in(request))
                except Refusal as refusal:
                    await _abort(context, refusal)
            try:
                # a swap takes what it takes; a till's photo does not
                with limit if method in RATED else nullcontext():
                    return await inner(request, context)
            except TimeoutError:
                late = f"the server gives a call {limit.seconds:g} s, and they are over"
                await _abort(context, Refusal(grpc.StatusCode.DEADLINE_EXCEEDED, late))

        return self._around(method, answer)

    def _stream(self, method: str, inner: Any) -> Any:
        async def answer(requests: AsyncIterator[Any], context: Any) -> None:
            reading = Reading(
                requests,
                self._guard,
                method,
                client=_client(context),
                authorization=dict(context.invocation_metadata()).get("authorization"),
            )
            await inner(reading.read(), context)
            if reading.refusal is not None:
                await _abort(context, reading.refusal)

        return self._around(method, answer)

    def _around(self, method: str, answer: Callable[[Any, Any], Awaitable[Any]]) -> Any:
        metrics, tracer = self._metrics, self._tracer

        async def watched(request: Any, context: Any) -> Any:
            began = time.perf_counter()
            metrics.call_begins()
            context.set_trailing_metadata(((request_id.KEY, request_id.current.get()),))
            code = "OK"
            span = None if tracer is None else tracer.begin(method, _parent.get())
            try:
                return await _answered(answer, request, context)
            except BaseException as error:
                code = _code(context, error)
                raise
            finally:
                seconds = time.perf_counter() - began
                metrics.call_ends(method, code, seconds)
                if span is not None:
                    span.end(code)
                self._tell(method, code, seconds, context)

        return watched

    def _refusing(self, method: str, refusal: Refusal) -> Any:
        """A handler that ends the call before its message is read."""

        async def refuse(_: Any, context: Any) -> None:
            context.set_trailing_metadata(((request_id.KEY, request_id.current.get()),))
            self._metrics.refused(method, refusal.code.name)
            self._tell(method, refusal.code.name, 0.0, context)
            await _abort(context, refusal)

        return grpc.stream_stream_rpc_method_handler(refuse)

    def _tell(self, method: str, code: str, seconds: float, context: Any) -> None:
        if not logger.isEnabledFor(logging.INFO):
            return
        caller = _caller.get()
        logger.handle(
            CallRecord(
                logger.name,
                method=method,
                code=code,
                seconds=seconds,
                client=None if caller is None else caller.name,
                peer=context.peer(),
            )
        )


async def _answered(
    answer: Callable[[Any, Any], Awaitable[Any]], request: Any, context: Any
) -> Any:
    """The answer; what a handler let pass is told as `answering` tells it, never by gRPC."""
    try:
        return await answer(request, context)
    except grpc.aio.AbortError:
        raise
    except Exception as error:
        async with answering(context):
            raise error


def _writing(inner: Callable[[Any, Any], AsyncGenerator[Any]]) -> Callable[[Any, Any], Any]:
    """A handler that yields its answers, as one that writes them."""

    async def write(request: Any, context: Any) -> None:
        async with aclosing(inner(request, context)) as answers:
            async for answer in answers:
                await context.write(answer)

    return write


def _client(context: Any) -> str:
    """Who is held to a rate: the name of the token, or the machine."""
    caller = _caller.get()
    if caller is not None:
        return f"token {caller.name}"
    return str(context.peer()).rpartition(":")[0]


async def _abort(context: Any, refusal: Refusal) -> None:
    trailing = tuple(context.trailing_metadata() or ())
    if refusal.retry_after:
        trailing = (*trailing, (RETRY_AFTER, str(round(1000 * refusal.retry_after))))
    await context.abort(refusal.code, refusal.message, trailing)


def _code(context: Any, error: BaseException) -> str:
    """The status that the client sees, or would have seen."""
    code = context.code()
    if code:
        return str(code.name) if hasattr(code, "name") else grpc.StatusCode(code).name
    if isinstance(error, asyncio.CancelledError):
        left = context.time_remaining()
        return "DEADLINE_EXCEEDED" if left is not None and left <= 0 else "CANCELLED"
    return "UNKNOWN"

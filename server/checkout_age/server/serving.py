"""Serving: from a bound port over a warm model to a drained end."""

import asyncio
import logging
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from checkout_age.server.bundle import Bundle, find_bundle, read_bundle
from checkout_age.server.config import ServerConfig
from checkout_age.server.edge import Edge
from checkout_age.server.face_finder import FaceFinder
from checkout_age.server.inference import inference_name, register_inference
from checkout_age.server.runtime import RUNTIMES, Runtime
from checkout_age.server.scorer import Scorer
from checkout_age.server.service import AgeEstimation, Served, register, service_name
from checkout_age.server.shopper import Faces, ShopperFinder
from checkout_age.server.watch import Watch

logger = logging.getLogger(__name__)

READ_AT_MOST = 4
"""Messages up to this many times the photo limit are read, so that the refusal can say why."""


async def serve(
    config: ServerConfig,
    load_runtime: Callable[[Bundle], Runtime] | None = None,
    load_faces: Callable[[], Faces] = FaceFinder,
) -> None:
    """Serve until a signal or, where asked for, until standard input ends.

    Unless told how, the runtime is loaded that the settings name.

    Raises:
        BundleError: the model cannot be served.
        PortTakenError: the address cannot be bound.
        CertificatesError, TokensError, TracingMissingError: as Edge says.
    """
    stopping = asyncio.Event()
    _stop_on_signals(stopping)
    if config.until_stdin_closes:
        await _stop_with_stdin(stopping)
    bundle = await asyncio.to_thread(lambda: read_bundle(find_bundle(config.model)))
    edge = Edge(config)
    server = grpc.aio.server(
        interceptors=[edge.interceptor],
        options=[
            ("grpc.max_receive_message_length", READ_AT_MOST * config.acceptance.limits.max_bytes),
            ("grpc.so_reuseport", 0),
            *edge.server_options,
        ],
    )
    service = AgeEstimation(config.acceptance.limits)
    register(service, server)
    healthy = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(healthy, server)
    await _set_health(healthy, health_pb2.HealthCheckResponse.NOT_SERVING)
    names = [service_name(), health.SERVICE_NAME]
    if config.open_inference:
        names.append(register_inference(service, server))
    edge.offer(server, names)
    address = edge.bind(server, config.host, config.port)
    _tell_port(address, config.port_file)
    edge.open()
    await server.start()
    logger.info("listening on %s, loading model %s", address, config.model)
    try:
        service.served = await _load(bundle, config, load_runtime, load_faces, edge.watch)
        edge.serves(bundle.facts.name, bundle.version, service.served.scorer.queue)
        if not stopping.is_set():
            await _set_health(healthy, health_pb2.HealthCheckResponse.SERVING)
            logger.info("serving %s %s on %s", bundle.facts.name, bundle.version, address)
        await stopping.wait()
        logger.info("draining, at most %g s", config.grace)
        await healthy.enter_graceful_shutdown()
    finally:
        await server.stop(config.grace)
        await asyncio.to_thread(edge.close)
        if service.served is not None:
            await asyncio.to_thread(service.served.scorer.close)
    logger.info("stopped")


async def _load(
    bundle: Bundle,
    config: ServerConfig,
    load_runtime: Callable[[Bundle], Runtime] | None,
    load_faces: Callable[[], Faces],
    watch: Watch,
) -> Served:
    runtime = await asyncio.to_thread(load_runtime or _named(config), bundle)
    scorer = Scorer(
        runtime,
        ShopperFinder(
            await asyncio.to_thread(load_faces), bundle.facts.chip_side, config.acceptance
        ),
        calibration=bundle.facts.calibration,
        threads=config.used_threads,
        watch=watch,
    )
    await scorer.warm_up()
    return Served(bundle, scorer, config.age_groups or bundle.facts.groups)


def _named(config: ServerConfig) -> Callable[[Bundle], Runtime]:
    load = RUNTIMES[config.runtime]
    return lambda bundle: load(bundle, config.precision, config.used_threads)


def _tell_port(address: str, file: Path | None) -> None:
    if file is not None:
        written = file.with_name(file.name + ".new")
        written.write_text(address + "\n")
        written.replace(file)


async def _set_health(healthy: health.aio.HealthServicer, status: int) -> None:
    for name in ("", service_name(), inference_name()):
        await healthy.set(name, status)


def _stop_on_signals(stopping: asyncio.Event) -> None:
    """The first signal drains, a second one ends the process as it would without us."""
    loop = asyncio.get_running_loop()
    signals = (signal.SIGTERM, signal.SIGINT)

    def stop() -> None:
        for number in signals:
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)
        stopping.set()

    for number in signals:
        loop.add_signal_handler(number, stop)


async def _stop_with_stdin(stopping: asyncio.Event) -> None:
    class UntilEnd(asyncio.Protocol):
        def eof_received(self) -> None:
            stopping.set()

        def connection_lost(self, _: Exception | None) -> None:
            stopping.set()

    await asyncio.get_running_loop().connect_read_pipe(UntilEnd, sys.stdin)

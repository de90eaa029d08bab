"""Serving: from a bound port over a warm model to a drained end."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial

import grpc
from grpc_health.v1 import health, health_pb2_grpc

from checkout_age.server import admin
from checkout_age.server.admission import Admission
from checkout_age.server.bundle import Bundle, BundleError
from checkout_age.server.canary import Canary
from checkout_age.server.config import ServerConfig
from checkout_age.server.drain import Drain
from checkout_age.server.edge import Edge
from checkout_age.server.face_finder import FaceFinder
from checkout_age.server.health import Health
from checkout_age.server.inference import register_inference
from checkout_age.server.loader import Loader
from checkout_age.server.pace import Pace
from checkout_age.server.port_file import forget_port, tell_port
from checkout_age.server.rollout import Rollout
from checkout_age.server.runtime import RUNTIMES, Runtime
from checkout_age.server.served import Served
from checkout_age.server.service import IN_FLIGHT, AgeEstimation, register, service_name
from checkout_age.server.shopper import Faces
from checkout_age.server.signals import Signals
from checkout_age.server.versions import Versions

logger = logging.getLogger(__name__)

READ_AT_MOST = 4
"""Messages up to this many times the photo limit are read, so that the refusal can say why."""
TO_LEAVE = 0.1
"""Seconds that clients who follow the health get to go elsewhere before connections end."""
HAND_OVER = 0.75
"""After this share of the grace, streams stop reading and end once what was read is answered."""
LET_GO = (0.85, 0.95)
"""After a share between these they end with what is answered, so that they still end with a status:
so that LAST_WORDS are left for that, where the grace is long enough."""
LAST_WORDS = 1.0


async def serve(
    config: ServerConfig,
    load_runtime: Callable[[Bundle], Runtime] | None = None,
    load_faces: Callable[[], Faces] | None = None,
) -> None:
    """Serve until a signal or, where asked for, until standard input ends.

    Unless told how, the runtime is loaded that the settings name, and our face finder.

    Raises:
        BundleError: the model cannot be served.
        PortTakenError: the address cannot be bound.
        PortFileError: the address cannot be written to the file that was named.
        CertificatesError, TokensError, TracingMissingError: as Edge says.
        StdinError: standard input is to end it and cannot.
        NoCanaryError: there is no photo in the folder that the settings name for them.
    """
    signals = Signals()
    if config.until_stdin_closes:
        await signals.stop_with_stdin()
    canary = await asyncio.to_thread(Canary.of, config.canary, config.canary_years)
    versions = Versions.within(config.model)
    await asyncio.to_thread(versions.wanted)  # a wrong name is told before anything is bound
    edge = Edge(config)
    drain = Drain()
    pace = Pace(config.used_threads)
    admission = Admission(
        pace, tills=config.max_waiting, streams=config.max_streams, photos=IN_FLIGHT
    )

    def told(served: Served) -> None:
        """Another model answers from now on."""
        pace.forget_all()
        edge.serves(served.bundle.facts.name, served.bundle.version, served.scorer.queue)
        logger.info("serving %s %s", served.bundle.facts.name, served.bundle.version)

    find = load_faces or partial(FaceFinder, config.used_threads)
    rollout = Rollout(
        versions,
        Loader(config, load_runtime or _named(config), find, edge.watch),
        canary,
        told,
    )
    server = grpc.aio.server(
        interceptors=[edge.interceptor],
        options=[
            ("grpc.max_receive_message_length", READ_AT_MOST * config.max_photo_bytes),
            ("grpc.so_reuseport", 0),
            *edge.server_options,
        ],
    )
    services = [service_name()]
    ages = AgeEstimation(
        rollout,
        admission,
        drain,
        config.acceptance.limits,
        config.clear_below,
        max_call_seconds=config.max_call_seconds,
        max_stream_silence=config.max_stream_silence,
    )
    register(ages, server)
    if config.open_inference:
        services.append(register_inference(ages, server))
    if config.admin_service:
        admin.register(admin.Admin(rollout, drain), server)
        services.append(admin.SERVICE)
    healthy = Health(services)
    health_pb2_grpc.add_HealthServicer_to_server(healthy, server)
    edge.offer(server, (*services, health.SERVICE_NAME))
    address = edge.bind(server, config.host, config.port)
    edge.open()
    await server.start()
    logger.info("listening on %s, loading a model of %s", address, config.model)
    following: asyncio.Task[None] | None = None
    try:
        tell_port(address, config.port_file)
        if await _started(rollout, signals):
            await healthy.serving()
            following = asyncio.create_task(_follow(rollout, signals, config.watch_models))
            await signals.stop.wait()
    finally:
        until = asyncio.get_running_loop().time() + config.grace
        if following is not None:
            following.cancel()
        await _end(server, healthy, drain, config.grace, hurry=not signals.stop.is_set())
        forget_port(address, config.port_file)
        await _release(until, edge, rollout)
    logger.info("stopped")


async def _started(rollout: Rollout, signals: Signals) -> bool:
    """Load the first model; false where the end was asked for before it answered."""
    loading = asyncio.create_task(rollout.start())
    stopping = asyncio.create_task(signals.stop.wait())
    try:
        await asyncio.wait({loading, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
    if signals.stop.is_set() and not loading.done():
        logger.info("the end was asked for while the model loads")
        loading.add_done_callback(lambda _: loading.cancelled() or loading.exception())
        return False
    await loading
    return not signals.stop.is_set()


async def _release(until: float, edge: Edge, rollout: Rollout) -> None:
    await _within(until, "the traces are sent", asyncio.to_thread(edge.close))
    await _within(until, "a model is loaded", rollout.close())


async def _within(until: float, what: str, work: Awaitable[None]) -> None:
    """Wait for what is left to do until that second of the loop's, and no longer."""
    try:
        async with asyncio.timeout_at(until):
            await work
    except TimeoutError:
        logger.warning("the grace is over before %s; that is given up", what)


async def _follow(rollout: Rollout, signals: Signals, seconds: float) -> None:
    """Look into the models folder at every SIGHUP, and from time to time."""
    while True:
        told = await _told(signals.reload, seconds)
        try:
            if told:
                swap = await rollout.follow()
                if swap.before == swap.after:
                    logger.info("%s is served already", swap.after)
            else:
                await rollout.look()
        except (BundleError, OSError) as error:
            logger.error("the model is refused, the old one goes on: %s", error)
        except Exception:  # the next SIGHUP must still be heard
            logger.exception("the swap failed, the old model goes on")


async def _told(reload: asyncio.Event, seconds: float) -> bool:
    """Wait for a SIGHUP, so long at most (0: for ever); tell whether there was one."""
    try:
        async with asyncio.timeout(seconds or None):
            await reload.wait()
    except TimeoutError:
        return False
    reload.clear()
    return True


async def _end(
    server: grpc.aio.Server, healthy: Health, drain: Drain, grace: float, *, hurry: bool
) -> None:
    """Let nobody in, see those inside off, end within the grace in seconds."""
    logger.info("draining, at most %g s", grace)
    loop = asyncio.get_running_loop()
    began = loop.time()
    until = began + grace
    drain.begin()
    await healthy.enter_graceful_shutdown()
    if not hurry:
        await asyncio.sleep(min(TO_LEAVE, grace))
    if not await drain.idle(began + HAND_OVER * grace - loop.time()):
        logger.info("streams are handed over")
        drain.hand_over.set()
        earliest, latest = (share * grace for share in LET_GO)
        let_go = max(earliest, min(latest, grace - LAST_WORDS))
        if not await drain.idle(began + let_go - loop.time()):
            drain.let_go.set()
            await drain.idle(until - loop.time())
    healthy.end_watches()
    await server.stop(max(until - loop.time(), 0))


def _named(config: ServerConfig) -> Callable[[Bundle], Runtime]:
    load = RUNTIMES[config.runtime]
    return lambda bundle: load(bundle, config.precision, config.used_threads)

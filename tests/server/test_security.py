"""Who is let in, and in which way, through a real port."""

import asyncio
import ssl
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography.hazmat.primitives import serialization
from grpc_channelz.v1 import channelz_pb2
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

from checkout_age.client import (
    Access,
    AgeClient,
    AsyncAgeClient,
    AwayError,
    CallError,
    NotAllowedError,
)
from checkout_age.inference import open_inference_pb2 as inference_pb
from checkout_age.server.certificates import Certificates, CertificatesError
from checkout_age.server.config import ServerConfig
from checkout_age.server.reread import Reread
from checkout_age.server.tokens import Caller, Role, Tokens, TokensError, add_token
from checkout_age.v1 import admin_pb2 as admin_pb
from checkout_age.v1 import age_estimation_pb2 as age_pb
from tests.authority import Authority, Pems
from tests.conftest import Serving
from tests.server.test_service import ready


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def pems(authority: Authority) -> Pems:
    return authority.issue("server", "127.0.0.1", "localhost")


def tls(pems: Pems) -> dict[str, Any]:
    return {"tls_cert": pems.cert, "tls_key": pems.key}


async def age(address: str, access: Access, photo: bytes) -> float:
    async with AsyncAgeClient(address, access) as client:
        return (await client.estimate_age(photo, deadline=10)).estimate.age


async def test_over_tls_a_client_that_trusts_the_authority_is_answered(
    serving: Serving, authority: Authority, pems: Pems, photo: bytes
) -> None:
    async with serving(**tls(pems)) as address:
        assert await age(address, Access(ca=authority.ca), photo) == pytest.approx(34)
        with pytest.raises(AwayError, match="CERTIFICATE_VERIFY_FAILED"):
            await age(address, Access(tls=True), photo)
        with pytest.raises(AwayError):
            await age(address, Access(), photo)


async def test_with_mutual_tls_a_client_without_a_certificate_is_not_let_in(
    serving: Serving, authority: Authority, pems: Pems, photo: bytes
) -> None:
    till = authority.issue("till", "till-1")
    async with serving(**tls(pems), client_ca=authority.ca) as address:
        access = Access(ca=authority.ca, certificate=till.cert, key=till.key)
        assert await age(address, access, photo) == pytest.approx(34)
        with pytest.raises(AwayError):
            await age(address, Access(ca=authority.ca), photo)


async def test_a_new_certificate_is_shown_to_new_connections_without_a_restart(
    serving: Serving,
    authority: Authority,
    pems: Pems,
    photo: bytes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("checkout_age.server.reread.LOOKS", 0.0)

    def shown(address: str) -> str:
        host, _, port = address.rpartition(":")
        return ssl.get_server_certificate((host, int(port)))

    async with serving(**tls(pems)) as address:
        first = await asyncio.to_thread(shown, address)
        assert pems.cert.read_text().startswith(first)
        authority.issue("server", "127.0.0.1")
        second = await asyncio.to_thread(shown, address)
        assert pems.cert.read_text().startswith(second)
        assert first != second
        pems.cert.write_text("half a certif")
        assert await asyncio.to_thread(shown, address) == second
        assert await age(address, Access(ca=authority.ca), photo) == pytest.approx(34)


async def test_each_role_may_call_what_it_is_for_and_the_file_is_read_again(
    serving: Serving, tmp_path: Path, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("checkout_age.server.reread.LOOKS", 0.0)
    file = tmp_path / "tokens"
    tokens = {role: add_token(file, Caller(f"the-{role}", role)) for role in Role}

    async def streamed(token: str) -> int:
        def blocking() -> int:
            with AgeClient(address, Access(token=token)) as client:
                return len(list(client.estimate_ages([("a", photo)])))

        return await asyncio.to_thread(blocking)

    async with serving(tokens=file) as address:
        with pytest.raises(NotAllowedError, match="UNAUTHENTICATED: a token is needed"):
            await age(address, Access(), photo)
        with pytest.raises(NotAllowedError, match="UNAUTHENTICATED: the token is not known here"):
            await age(address, Access(token="guessed"), photo)
        for role in Role:
            assert await age(address, Access(token=tokens[role]), photo) == pytest.approx(34)
        with pytest.raises(
            NotAllowedError,
            match="PERMISSION_DENIED: EstimateAges is for night and admin; "
            "the token of the-till is for the role till",
        ):
            await streamed(tokens[Role.TILL])
        assert await streamed(tokens[Role.NIGHT]) == 1
        new = add_token(file, Caller("till-2", Role.TILL))
        assert await age(address, Access(token=new), photo) == pytest.approx(34)
        file.write_text("till-2 till " + new)
        assert await age(address, Access(token=new), photo) == pytest.approx(34)
        file.write_text("# nobody\n")
        with pytest.raises(NotAllowedError):
            await age(address, Access(token=new), photo)


SERVICES = [
    service
    for file in (age_pb, admin_pb, inference_pb, health_pb2, reflection_pb2, channelz_pb2)
    for service in file.DESCRIPTOR.services_by_name.values()
]
METHODS = [
    (f"/{service.full_name}/{method.name}", method.client_streaming, method.server_streaming)
    for service in SERVICES
    for method in service.methods
]


async def offered(channel: grpc.aio.Channel, token: str) -> set[str]:
    """The names of all services that reflection tells of."""
    ask = channel.stream_stream(
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
        response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
    )
    asked = ask(
        iter([reflection_pb2.ServerReflectionRequest(list_services="")]),
        metadata=[("authorization", f"Bearer {token}")],
        timeout=60,
    )
    async for answer in asked:
        return {service.name for service in answer.list_services_response.service}
    raise AssertionError("reflection has told nothing")


async def code_of(
    channel: grpc.aio.Channel, method: str, token: str, *, client: bool, server: bool
) -> str:
    """The code that an empty message to a method is answered with; OK also for a first answer."""
    kind = f"{'stream' if client else 'unary'}_{'stream' if server else 'unary'}"
    call = getattr(channel, kind)(method)
    metadata = [("authorization", f"Bearer {token}")] if token else []
    asked = call(iter([b""]) if client else b"", metadata=metadata, timeout=60)
    try:
        if server:
            await asked.read()
        else:
            await asked
    except grpc.aio.AioRpcError as error:
        return error.code().name
    return "OK"


async def test_no_method_of_any_service_but_the_open_ones_is_for_somebody_without_a_token(
    serving: Serving, tmp_path: Path
) -> None:
    file = tmp_path / "tokens"
    till = add_token(file, Caller("till-1", Role.TILL))
    told: dict[str, tuple[str, str]] = {}
    async with (
        serving(tokens=file, admin_service=True, channelz=True) as address,
        grpc.aio.insecure_channel(address) as channel,
    ):
        await ready(channel)
        assert await offered(channel, till) == {service.full_name for service in SERVICES}
        for method, client, server in METHODS:
            nobody = await code_of(channel, method, "", client=client, server=server)
            told[method] = (
                nobody,
                await code_of(channel, method, till, client=client, server=server),
            )
    assert len(told) > 20
    for method, (nobody, as_till) in told.items():
        name = method.rpartition("/")[2]
        if name in FOR_ALL:
            assert {nobody, as_till} <= ANSWERED, method
        else:
            assert nobody == "UNAUTHENTICATED", method
            assert as_till in ANSWERED if name in FOR_TILLS else as_till == "PERMISSION_DENIED", (
                method,
                as_till,
            )


FOR_ALL = {"Check", "List", "Watch", "ServerLive", "ServerReady", "ModelReady"}
FOR_TILLS = {
    *("EstimateAge", "CheckAge", "GetModel", "ServerMetadata", "ModelMetadata", "ModelInfer"),
    "ServerReflectionInfo",
}
ANSWERED = {"OK", "NOT_FOUND", "INVALID_ARGUMENT"}
"""How an empty message is answered once its sender was let in."""


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("till-1 till", "line 2: name, role and digest are expected"),
        ("till-1 till hunter2", "line 2: name, role and digest are expected"),
        ("till-1 cook sha256:00", "the role must be one of till, night, admin"),
        ("till-1 till sha256:xyz", "the digest must be 64 hexadecimal digits"),
    ],
)
def test_a_line_that_cannot_be_used_is_named_without_repeating_a_secret(
    tmp_path: Path, line: str, words: str
) -> None:
    file = tmp_path / "tokens"
    file.write_text(f"# tills\n{line}\n")
    with pytest.raises(TokensError, match=words) as raised:
        Tokens(file)
    assert "hunter2" not in str(raised.value)


def test_a_token_is_kept_as_its_digest_in_a_file_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    token = add_token(file, Caller("till-1", Role.TILL))
    assert token not in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    assert Tokens(file).caller(token) == Caller("till-1", Role.TILL)
    with pytest.raises(TokensError, match="has a token for till-1 already"):
        add_token(file, Caller("till-1", Role.NIGHT))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"host": "0.0.0.0"}, "host 0.0.0.0 can be reached from other machines"),
        ({"host": "ages.shop"}, "host ages.shop can be reached from other machines"),
        ({"metrics_port": 9, "metrics_host": "::"}, "metrics_host :: can be reached"),
        ({"tls_cert": Path("c")}, "tls_cert and tls_key go together"),
        ({"client_ca": Path("c")}, "client_ca needs tls_cert"),
        (
            {"insecure": True, "tls_cert": Path("c"), "tls_key": Path("k")},
            "either insecure or tls_cert",
        ),
    ],
)
def test_options_that_would_leave_photos_unguarded_are_refused(
    given: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        ServerConfig(**given)


def test_other_addresses_are_open_to_tls_and_to_an_explicit_word() -> None:
    assert ServerConfig(host="0.0.0.0", insecure=True).insecure
    assert ServerConfig(host="::", tls_cert=Path("c"), tls_key=Path("k")).host == "::"


def test_certificates_that_do_not_fit_are_named_at_the_door(
    authority: Authority, pems: Pems, tmp_path: Path
) -> None:
    other = authority.issue("other", "localhost")
    with pytest.raises(CertificatesError, match=r"other\.key are no certificate and its key"):
        Certificates(pems.cert, other.key)
    with pytest.raises(CertificatesError, match="No such file"):
        Certificates(tmp_path / "none.pem", pems.key)
    with pytest.raises(CertificatesError, match=r"server\.key holds no CA certificates"):
        Certificates(pems.cert, pems.key, pems.key)


def encrypted(key: Path) -> bytes:
    """The same key under a passphrase."""
    read = serialization.load_pem_private_key(key.read_bytes(), None)
    return read.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"secret"),
    )


def test_an_encrypted_key_is_named_and_no_passphrase_is_asked_for(
    pems: Pems, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("checkout_age.server.reread.LOOKS", 0.0)
    certificates = Certificates(pems.cert, pems.key)
    first = certificates.context()
    pems.key.write_bytes(encrypted(pems.key))
    with pytest.raises(CertificatesError, match=r"server\.key is encrypted: a key without"):
        Certificates(pems.cert, pems.key)
    assert certificates.context() is first
    assert "server.key is encrypted" in caplog.text


def test_a_file_that_cannot_be_read_any_more_leaves_what_it_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "number"
    file.write_text("1")
    now = 0.0
    number = Reread(file, read=lambda each: int(each.read_text()), clock=lambda: now)
    file.write_text("22")
    assert number.value() == 1
    now = 2.0
    assert number.value() == 22
    file.write_text("many")
    now = 4.0
    assert number.value() == 22
    assert "cannot be used" in caplog.text
    file.unlink()
    now = 6.0
    assert number.value() == 22


def test_that_a_file_cannot_be_used_is_said_each_minute_until_it_is_mended(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "number"
    file.write_text("1")
    now = 0.0
    mended = False

    def read(each: Path) -> int:
        return 3 if mended else int(each.read_text())

    number = Reread(file, read=read, clock=lambda: now)
    file.write_text("many")
    said = []
    for moment in (2.0, 4.0, 61.0, 63.0, 120.0, 124.0):
        now = moment
        assert number.value() == 1
        said.append(caplog.text.count("cannot be used"))
    assert said == [1, 1, 1, 2, 2, 3]
    mended = True  # by something that the file itself does not show, as a folder's permissions
    for moment in (126.0, 300.0):
        now = moment
        assert number.value() == 3
    assert caplog.text.count("cannot be used") == 3


async def test_a_client_over_its_rate_is_told_when_to_come_back(
    serving: Serving, photo: bytes
) -> None:
    async with serving(rate_limit=0.01, rate_burst=2) as address:
        async with grpc.aio.insecure_channel(address) as channel:
            await ready(channel)
            call: Any = channel.unary_unary("/checkout_age.v1.AgeEstimationService/EstimateAge")
            codes = []
            for _ in range(3):
                try:
                    await call(b"\x0a\x00")
                except grpc.aio.AioRpcError as error:
                    codes.append(error.code())
                    last = error
        assert codes[:2] == [grpc.StatusCode.INVALID_ARGUMENT] * 2
        assert codes[2] is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert "over 0.01 photos a second; try again in" in (last.details() or "")
        pause = dict(last.trailing_metadata())["grpc-retry-pushback-ms"]
        assert 0 < int(pause) <= 100_000


async def test_a_failure_outside_of_every_foreseen_place_leaks_nothing(
    serving: Serving, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*given: object) -> None:
        raise RuntimeError("a secret path")

    monkeypatch.setattr("checkout_age.server.wire.to_model", fails)
    async with serving() as address, AsyncAgeClient(address) as client:
        with pytest.raises(CallError, match="INTERNAL: the server failed; its log tells more"):
            await client.wait(20)
    assert "a secret path" in caplog.text

"""A request ends in an answer that can be used, or in one bounded reason; within its time, its size and its secrets."""

import asyncio
import base64
import json
import socket
import ssl
import threading
from email.utils import formatdate

import pytest
from pydantic import SecretStr

from collector_core import AuthFailed, HttpAnswer, HttpClient, HttpStatusError, NotAvailable
from collector_core.http.client import _redirect
from tests.core.http.raw import answer

SECRET = "hunter2"


async def failure(asking):
    """What a request raises."""
    with pytest.raises((NotAvailable, AuthFailed)) as caught:
        await asking
    return caught.value


async def test_json_is_decoded(client, answering):
    server = await answering(b'{"power_watts": 42.5, "on": [true, null]}')
    assert await client.get_json(server.url) == {"power_watts": 42.5, "on": [True, None]}
    assert "Accept: application/json" in server.requests[0]


async def test_text_is_utf_8(client, answering):
    server = await answering("21 °C".encode())
    assert await client.get_text(server.url) == "21 °C"
    assert "Accept: text/plain" in server.requests[0]


async def test_text_that_is_binary_is_refused(client, answering):
    server = await answering(b"\xff\0\1")
    error = await failure(client.get_text(server.url))
    assert (error.reason, str(error)) == (
        "bad_data",
        f"{server.place}: the answer is not text but binary data",
    )


async def test_values_are_posted_as_json(client, listen):
    received = []

    async def talk(reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        received.append((head, await reader.read(1000)))
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")

    url = f"{await listen(talk)}hook"
    answer = await client.post_json(url, {"a": 1}, headers={"X-Id": "7"})
    assert (answer.status, answer.body) == (204, b"")
    await client.post_json(url, b"[1]")
    (head, body), (_, written) = received
    assert head.startswith("POST /hook HTTP/1.1\r\n")
    assert "Content-Type: application/json\r\n" in head
    assert "X-Id: 7\r\n" in head
    assert (json.loads(body), written) == ({"a": 1}, b"[1]")


async def test_a_request_says_who_asks_and_wants_no_compression(client, answering):
    server = await answering()
    await client.get_json(server.url)
    assert "User-Agent: energy-collector\r\n" in server.requests[0]
    assert "Accept-Encoding: identity\r\n" in server.requests[0]


async def test_credentials_are_sent_as_the_caller_says(client, answering):
    server = await answering()
    await client.get_json(server.url, token=SecretStr(SECRET))
    await client.get_json(server.url, login=("me", SecretStr("päss")))
    await client.get_json(SecretStr(server.url), headers={"X-Key": SecretStr(SECRET)})
    assert f"Authorization: Bearer {SECRET}\r\n" in server.requests[0]
    assert f"Authorization: Basic {base64.b64encode('me:päss'.encode()).decode()}\r\n" in server.requests[1]
    assert f"X-Key: {SECRET}\r\n" in server.requests[2]
    assert "Authorization" not in server.requests[2]


async def test_connections_stay(client, answering):
    server = await answering()
    for _ in range(3):
        await client.get_json(server.url)
    assert server.connections == 1
    await client.close()
    await client.get_json(server.url)
    assert server.connections == 2


async def test_cookies_are_forgotten(client, answering):
    server = await answering(Set_Cookie="id=7")
    for _ in range(2):
        await client.get_json(server.url)
    assert "Cookie" not in server.requests[1]


async def test_proxies_of_the_environment_are_ignored(client, answering, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    server = await answering()
    assert await client.get_json(server.url) == 42


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (301, "bad_data"),
        (400, "bad_data"),
        (404, "not_found"),
        (405, "not_supported"),
        (408, "timeout"),
        (410, "not_found"),
        (413, "bad_data"),
        (422, "bad_data"),
        (425, "unreachable"),
        (429, "unreachable"),
        (500, "unreachable"),
        (501, "not_supported"),
        (502, "unreachable"),
        (503, "unreachable"),
        (504, "timeout"),
        (599, "unreachable"),
        (999, "bad_data"),
    ],
)
async def test_each_status_means_one_thing(client, answering, status, reason):
    server = await answering(status=f"{status} {SECRET}")
    error = await failure(client.get_json(server.url))
    assert isinstance(error, NotAvailable)
    assert error.reason == reason
    assert str(error).startswith(f"{server.place} answers {status}")
    assert error.fix or status == 425
    assert SECRET not in str(error)


@pytest.mark.parametrize(
    ("status", "may_pass"),
    [(301, False), (400, False), (404, False), (408, True), (425, True), (429, True), (500, True), (501, True)],
)
async def test_it_says_whether_the_same_request_may_yet_succeed(client, answering, status, may_pass):
    server = await answering(status=f"{status} No")
    error = await failure(client.get_json(server.url))
    assert isinstance(error, HttpStatusError)
    assert (error.status, error.is_retryable) == (status, may_pass)


@pytest.mark.parametrize("status", [401, 403, 407])
async def test_a_refusal_is_one_of_credentials(client, answering, status):
    server = await answering(status=f"{status} No")
    error = await failure(client.get_json(server.url))
    assert isinstance(error, AuthFailed)
    assert str(error).startswith(f"{server.place} answers {status} ")
    assert "password" in error.fix
    assert error.status in (401, 403, 407)


async def test_who_is_busy_says_for_how_long(client, answering):
    soon = formatdate(1e10, usegmt=True)
    for said, low, high in (("120", 120, 120), (soon, 7e9, 1e10), ("", None, None), ("soon", None, None)):
        server = await answering(status="503 Busy", Retry_After=said)
        error = await failure(client.get_json(server.url))
        assert error.retry_after is None if low is None else low <= error.retry_after <= high


async def test_redirects_are_refused(client, answering):
    other = await answering()
    server = await answering(status="302 Found", Location=other.url)
    error = await failure(client.get_json(server.url))
    assert "redirects are not followed" in str(error)
    assert "configuration" in error.fix
    assert other.requests == []


async def test_where_asked_for_a_redirect_to_the_same_host_is_followed_with_its_headers(client, listen):
    requests = []

    async def talk(reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        requests.append(head)
        moved = head.startswith("GET / ")
        writer.write(answer(status="302 Found", Location="/new?x=1") if moved else answer())

    assert await client.get_json(await listen(talk), redirects=True, token=SECRET) == 42
    assert [head.split(" ")[1] for head in requests] == ["/", "/new?x=1"]
    assert SECRET in requests[1]


async def test_a_redirect_elsewhere_is_refused_even_where_redirects_are_asked_for(client, answering):
    other = await answering()
    server = await answering(status="302 Found", Location=other.url)
    error = await failure(client.get_json(server.url, redirects=True, token=SECRET))
    assert error.reason == "bad_data"
    assert other.requests == []


@pytest.mark.parametrize(
    ("target", "is_followed"),
    [
        ("/metrics/", True),
        ("http://host:8000/x", True),
        ("//host:8000/x", True),
        ("http://host:8001/x", False),
        ("https://host:8000/x", False),
        ("https://host/x", False),
        ("http://other:8000/x", False),
        ("ftp://host:8000/x", False),
    ],
)
def test_a_redirect_leads_to_the_same_scheme_host_and_port(target, is_followed):
    answer = HttpAnswer("host:8000", 307, {"Location": target}, b"")
    assert (_redirect("http://host:8000/metrics", answer) is not None) is is_followed


def test_a_redirect_may_lead_from_the_usual_port_to_that_of_https():
    for target, is_followed in (("https://host/x", True), ("https://host:443/x", True), ("https://host:8443/x", False)):
        assert bool(_redirect("http://host/x", HttpAnswer("host", 301, {"Location": target}, b""))) is is_followed


async def test_a_body_may_be_taken_in_pieces(client, answering):
    server, pieces = await answering(b"4" * 100_000), []
    answer = await client.request("GET", server.url, feed=pieces.append)
    assert (answer.body, b"".join(pieces)) == (b"", b"4" * 100_000)


async def test_a_body_that_is_too_long_is_taken_no_further_than_its_limit(client, answering):
    server, pieces = await answering(b"4" * 100_000), []
    error = await failure(client.request("GET", server.url, feed=pieces.append, limit=1000, limit_fix="raise `it`"))
    assert (error.reason, error.fix, len(b"".join(pieces)) <= 1000) == ("bad_data", "raise `it`", True)


async def test_redirects_in_a_circle_end(client, answering):
    server = await answering(status="302 Found", Location="/x")
    error = await failure(client.get_json(server.url, redirects=True))
    assert error.reason == "bad_data"
    assert len(server.requests) <= 6


async def test_a_post_is_never_redirected(client, answering):
    server = await answering(status="307 Temporary Redirect", Location="/x")
    await failure(client.post_json(server.url, {}, redirects=True))
    assert len(server.requests) == 1


async def test_what_hangs_ends_at_its_timeout(client, serve):
    for pieces in ((), (b"HTTP/1.1 200 OK\r\n",), (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n4",)):
        server = await serve(*pieces, then="hang")
        error = await failure(client.get_json(server.url, timeout=0.05))
        assert (error.reason, str(error)) == ("timeout", f"{server.place}: no answer within 0.05 s")


async def test_what_drips_ends_at_its_timeout(client, listen):
    stopped = asyncio.Event()

    async def drip(reader, writer):
        try:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
            while True:
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.001)
        except OSError:
            stopped.set()

    assert (await failure(client.get_json(await listen(drip), timeout=0.1))).reason == "timeout"
    await stopped.wait()


@pytest.mark.parametrize("length", [1001, None])
async def test_a_body_above_the_limit_is_refused_and_the_text_says_that_it_is_a_limit(client, answering, length):
    server = await answering(b"1" * 1001, Content_Length=length, then="close")
    error = await failure(client.get_json(server.url, limit=1000))
    assert error.reason == "bad_data"
    assert str(error) == f"{server.place}: the answer is longer than the limit of 0.976562 KiB"


async def test_a_body_of_the_limit_is_taken(client, answering):
    server = await answering(b"1" * 1000)
    assert len(await client.get_text(server.url, limit=1000)) == 1000


async def test_the_limit_is_1_mib_unless_said_otherwise(client, answering):
    server = await answering(b" " * (1 << 20) + b"1", then="close")
    assert "the limit of 1 MiB" in str(await failure(client.get_json(server.url)))


async def test_a_body_that_is_to_be_discarded_may_be_anything_and_never_end(client, serve):
    server = await serve(
        b"HTTP/1.1 202 Taken\r\nContent-Encoding: gzip\r\nContent-Length: 99999999\r\n\r\n\xff", then="hang"
    )
    answer = await client.post_json(server.url, {}, discard=True)
    assert (answer.status, answer.body) == (202, b"")


async def test_an_answer_that_is_compressed_is_refused(client, answering):
    server = await answering(b"bomb", Content_Encoding="gzip")
    error = await failure(client.get_json(server.url))
    assert (error.reason, "compressed" in str(error)) == ("bad_data", True)


async def test_an_answer_in_the_encoding_that_was_asked_for_is_handed_over_as_it_is(client, answering):
    server = await answering(b"\x03\x08abc", Content_Encoding="snappy")
    answer = await client.request("GET", server.url, headers={"Accept-Encoding": "snappy"})
    assert answer.body == b"\x03\x08abc"


async def test_where_nothing_listens_it_says_so(client, unused_tcp_port):
    error = await failure(client.get_json(f"http://127.0.0.1:{unused_tcp_port}/"))
    assert error.reason == "unreachable"
    assert str(error) == f"127.0.0.1:{unused_tcp_port}: Connection refused"
    assert error.fix


async def test_a_name_that_nobody_knows_is_unreachable(client, monkeypatch):
    def refuse(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    error = await failure(client.get_json("http://heater.invalid/"))
    assert (error.reason, str(error)) == ("unreachable", "heater.invalid: its name cannot be resolved")


async def test_names_that_hang_hold_up_no_other(client, answering, monkeypatch):
    gate, system = threading.Event(), socket.getaddrinfo

    def look_up(host, *arguments, **options):
        if host.endswith(".invalid"):
            gate.wait(30)
        return system(host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    hung = [asyncio.create_task(client.get_json(f"http://plug-{number}.invalid/")) for number in range(100)]
    server = await answering()
    try:
        assert await client.get_json(server.url.replace("127.0.0.1", "localhost")) == 42
    finally:
        for task in hung:
            task.cancel()
        await asyncio.gather(*hung, return_exceptions=True)
        gate.set()


@pytest.mark.parametrize(
    "url", ["http://", "heater", "http://[::1", "http://a:b@c:99999/", "ftp://heater/", "http:// x/"]
)
async def test_an_address_that_is_none_is_bad_data(client, url):
    assert (await failure(client.get_json(url))).reason in ("bad_data", "unreachable")


@pytest.mark.parametrize("said", [b"SSH-2.0-OpenSSH_9.6\r\n\r\n", b"HTTP/9.9 OK\r\n\r\n", b"\0" * 100, b""])
async def test_what_does_not_speak_http_is_said_not_to(client, serve, said):
    server = await serve(said)
    error = await failure(client.get_json(server.url))
    assert error.reason in ("bad_data", "unreachable")
    assert server.place in str(error)


async def test_an_answer_that_breaks_off_is_a_failed_connection(client, serve):
    server = await serve(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n4")
    assert (await failure(client.get_json(server.url))).reason == "unreachable"


async def test_headers_without_end_are_refused(client, serve):
    head = b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: y\r\n" % number for number in range(10_000)) + b"\r\n"
    server = await serve(head)
    assert (await failure(client.get_json(server.url))).reason == "bad_data"


async def test_what_may_be_repeated_goes_over_a_kept_connection_even_if_the_server_has_just_closed_it(client, serve):
    server = await serve(answer(), then="close")  # without saying so
    for _ in range(5):
        assert await client.get_json(server.url) == 42
        assert (await client.post_json(server.url, {}, repeatable=True)).json() == 42


async def test_what_may_not_be_repeated_gets_a_connection_of_its_own_and_is_sent_once(client, answering, serve):
    server = await answering()
    for _ in range(3):
        await client.post_json(server.url, {})
    assert server.connections == len(server.requests) == 3
    server = await serve(then="close")
    assert (await failure(client.post_json(server.url, {}))).reason == "unreachable"
    assert len(server.requests) == 1


async def test_certificates_are_verified(client, serve, certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.cert, certificate.key)
    server = await serve(ssl=context)
    error = await failure(client.get_json(server.url.replace("127.0.0.1", "localhost")))
    assert error.reason == "auth"
    assert "certificate" in str(error)
    assert error.fix
    assert server.requests == []


async def test_no_text_holds_a_secret(client, serve, answering, unused_tcp_port):
    place = f"127.0.0.1:{unused_tcp_port}"
    secret = {"token": SECRET, "headers": {"X-Key": SECRET}}
    servers = [await answering(status=f"{status} {SECRET}") for status in (302, 401, 404, 500)]
    servers += [await answering(f"<html>{SECRET}".encode()), await serve(SECRET.encode() + b"\r\n\r\n")]
    places = [place, *(f"{server.place}" for server in servers)]
    for each in places:
        error = await failure(client.get_json(f"http://me:{SECRET}@{each}/{SECRET}?key={SECRET}#{SECRET}", **secret))
        assert SECRET not in f"{error} {error!r} {error.fix} {error.__cause__!r}"
        assert each in str(error)


async def test_a_session_for_a_library_is_closed_with_the_client(client, answering):
    server = await answering()
    session = client.aiohttp_session()
    async with session.get(server.url) as said:
        assert await said.json(content_type=None) == 42
    await client.close()
    assert session.closed


async def test_close_is_legal_at_any_time():
    client = HttpClient()
    for _ in range(2):
        await client.close()


async def test_a_certificate_of_ones_own_authority_is_accepted_where_it_is_named(client, serve, certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.cert, certificate.key)
    server = await serve(answer(b"{}"), ssl=context)
    url = server.url.replace("127.0.0.1", "localhost")
    assert await client.get_json(url, ca_file=str(certificate.cert)) == {}
    await failure(client.get_json(url))


async def test_a_unix_socket_is_asked(client, tmp_path):
    async def talk(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer(b"[1]"))
        await writer.drain()
        writer.close()

    async with await asyncio.start_unix_server(talk, tmp_path / "socket"):
        assert await client.get_json("http://docker/containers/json", socket=str(tmp_path / "socket")) == [1]


async def test_a_unix_socket_that_is_not_there_is_unreachable(client, tmp_path):
    error = await failure(client.get_json("http://docker/", socket=str(tmp_path / "socket")))
    assert error.reason in ("not_found", "unreachable")

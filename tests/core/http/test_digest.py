"""Digest authentication (RFC 7616) with SHA-256, as Shelly devices ask for it."""

from __future__ import annotations

import hashlib
import http.server
import re
import threading

import pytest

from collector_core import AuthFailed
from collector_core.http.client import HttpClient

REALM = "shellyplugsg3-aabbcc"


class Device(http.server.ThreadingHTTPServer):
    """Asks for the login `admin` and `secret`; a nonce is good until the device restarts."""

    def __init__(self):
        device = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                sent = self.headers.get("Authorization", "")
                device.asked.append(sent)
                is_right = device.takes(sent, self.path)
                self.send_response(200 if is_right else 401)
                if not is_right:
                    challenge = f'Digest qop="auth", realm="{REALM}", nonce="{device.nonce}", algorithm=SHA-256'
                    self.send_header("WWW-Authenticate", challenge)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *arguments):
                pass

        self.nonce, self.asked = "61c2", []
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}/rpc/Shelly.GetStatus"

    def takes(self, sent, path):
        told = dict(re.findall(r'(\w+)="?([^",]+)"?', sent.removeprefix("Digest ")))
        if told.get("nonce") != self.nonce:
            return False
        first, second = digest(f"admin:{REALM}:secret"), digest(f"GET:{path}")
        return told["response"] == digest(f"{first}:{self.nonce}:{told['nc']}:{told['cnonce']}:auth:{second}")


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture(scope="module")
def server():
    made = Device()
    thread = threading.Thread(target=made.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


@pytest.fixture
async def client(server):
    server.asked.clear()
    made = HttpClient(30.0)
    yield made
    await made.close()


async def ask(client, server, password="secret"):
    return await client.get_json(server.url, login=("admin", password), digest=True)


async def test_it_asks_once_for_the_challenge_and_goes_on_with_it(client, server):
    for _ in range(3):
        assert await ask(client, server) == {}
    assert len(server.asked) == 4
    assert "secret" not in "".join(server.asked)


async def test_a_device_that_has_restarted_is_asked_anew(client, server):
    await ask(client, server)
    server.nonce = "77aa"
    assert await ask(client, server) == {}


async def test_a_wrong_password_is_refused_after_two_requests(client, server):
    with pytest.raises(AuthFailed):
        await ask(client, server, "wrong")
    assert len(server.asked) == 2


async def test_nothing_is_sent_where_no_login_is_wanted(client, server):
    with pytest.raises(AuthFailed):
        await client.get_json(server.url, digest=True)
    assert server.asked == [""]

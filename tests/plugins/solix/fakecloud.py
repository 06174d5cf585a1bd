"""An Anker cloud on loopback: the real key exchange at the login, answers from files, faults on demand."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web
from cryptography.hazmat.primitives import padding, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

EMAIL = "canary.owner@example.org"
PASSWORD = "canary-Passw0rd!"
USER_ID = "canaryuser0123456789abcdef0123456789abcd"
LOGIN = "passport/login"
MQTT_INFO = "app/devicemanage/get_user_mqtt_info"
SITES = "power_service/v1/site/get_site_list"
SCENE = "power_service/v1/site/get_scen_info"
BOUND = "power_service/v1/app/get_relate_and_bind_devices"
ENERGY = "power_service/v1/site/energy_analysis"
STATISTICS = "charging_energy_service/energy_statistics"
WEEK = 7 * 86400
BODIES = {"malformed": '{"code": 0, "data": {', "empty": "", "list": '{"code": 0, "msg": "success!", "data": [1, 2]}'}


def decrypted(secret, text):
    """What the library encrypts with AES-256-CBC, the first 16 bytes of the secret being the IV."""
    cipher = Cipher(algorithms.AES(secret), modes.CBC(secret[:16])).decryptor()
    unpadder = padding.PKCS7(128).unpadder()
    plain = cipher.update(base64.b64decode(text)) + cipher.finalize()
    return (unpadder.update(plain) + unpadder.finalize()).decode()


@dataclass
class Fault:
    """What goes wrong at an endpoint, `times` times: an HTTP status, an API code, or a word."""

    status: int = 0
    code: int = 0
    how: str = ""
    times: int = 1_000_000
    headers: dict = field(default_factory=dict)
    msg: str = "refused"


class FakeCloud:
    """Serves one account from a folder of answers; runs in a thread of its own, with its own loop.

    `tokens` are the tokens that are good; `expire` makes all of them bad. `faults` by endpoint.
    """

    def __init__(self, *folders: Path) -> None:
        self.folders = folders
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.password = PASSWORD
        self.tokens: set[str] = set()
        self.faults: dict[str, Fault] = {}
        self.requests: list[tuple[float, str]] = []
        self.mqtt: dict = {}
        self.token_seconds = WEEK
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @property
    def public_key(self):
        raw = self.key.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
        return raw.hex()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def counts(self):
        return Counter(endpoint for _, endpoint in self.requests)

    def expire(self):
        self.tokens.clear()

    def start(self):
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def stop(self):
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _serve(self):
        asyncio.set_event_loop(self._loop)
        runner = web.AppRunner(self._app(), access_log=None)
        self._loop.run_until_complete(runner.setup())
        site = web.TCPSite(runner, "127.0.0.1", 0)
        self._loop.run_until_complete(site.start())
        self.port = site._server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        self._loop.run_until_complete(runner.cleanup())
        self._loop.close()

    def _app(self):
        app = web.Application()
        app.router.add_route("*", "/{endpoint:.*}", self._handle)
        return app

    async def _handle(self, request):
        endpoint = request.match_info["endpoint"]
        self.requests.append((time.monotonic(), endpoint))
        fault = self.faults.get(endpoint)
        if fault and fault.times > 0:
            fault.times -= 1
            if (answer := await self._broken(request, fault)) is not None:
                return answer
        body = await request.json() if request.can_read_body else {}
        if endpoint == LOGIN:
            return self._login(body)
        token = request.headers.get("x-auth-token")
        if token not in self.tokens or request.headers.get("gtoken") != hashlib.md5(USER_ID.encode()).hexdigest():
            return web.json_response({"code": 401, "msg": "unauthorized"}, status=401)
        if endpoint == MQTT_INFO:
            return web.json_response({"code": 0, "msg": "success!", "data": self.mqtt})
        return web.json_response(self._answer(endpoint, body))

    async def _broken(self, request, fault):
        if fault.how == "reset":
            request.transport.abort()
            return web.Response()
        if fault.how == "slow":
            await asyncio.sleep(30)
        if fault.how in BODIES:
            return web.Response(text=BODIES[fault.how], content_type="application/json")
        if fault.code:
            return web.json_response({"code": fault.code, "msg": fault.msg, "data": None})
        if fault.status:
            return web.Response(status=fault.status, text="no", headers=fault.headers)
        return None

    def _login(self, body):
        public = bytes.fromhex(body["client_secret_info"]["public_key"])
        peer = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public)
        password = decrypted(self.key.exchange(ec.ECDH(), peer), body["password"])
        if (body["email"], password) != (EMAIL, self.password):
            return web.json_response({"code": 26108, "msg": f"wrong password for {body['email']}"})
        token = f"canarytoken{len(self.requests):04d}{'f' * 25}"
        self.tokens.add(token)
        data = {
            "user_id": USER_ID,
            "email": EMAIL,
            "nick_name": "canarynick",
            "auth_token": token,
            "token_expires_at": int(time.time()) + self.token_seconds,
            "geo_key": "canarygeokey",
            "ap_cloud_user_id": "canarycloudid",
        }
        return web.json_response({"code": 0, "msg": "success!", "data": data})

    def _answer(self, endpoint, body):
        for name in self._names(endpoint, body):
            for folder in self.folders:
                file = folder / f"{name}.json"
                if file.exists():
                    return json.loads(file.read_text())
        return {"code": 0, "msg": "success!", "data": {}}

    @staticmethod
    def _names(endpoint, body):
        """File names of the answer to a request, as in the library's own examples."""
        site = body.get("site_id") or body.get("siteId")
        if endpoint == ENERGY:
            yield f"energy_{body.get('device_type')}_{site}"
        if endpoint == STATISTICS:
            today = "_today" if body.get("dateType") == "day" else ""
            yield f"charging_energy_{body.get('sourceType')}{today}_{site}"
        yield {SITES: "site_list", BOUND: "bind_devices"}.get(endpoint, "")
        yield f"{'scene' if endpoint == SCENE else endpoint.rpartition('/')[2]}_{site}"
        hes = {"get_hes_dev_info": "hes_dev_info", "get_system_running_info": "hes_system_running_info"}
        yield f"{hes.get(endpoint.rpartition('/')[2], '-')}_{site}"

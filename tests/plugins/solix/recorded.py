"""An account that is recorded in a folder, for test cases: what the library has in its caches, and what devices send.

sites.json     sites by their id, as the library has them
devices.json   devices by their serial number
messages.json  what devices answer when they are asked to report: decoded fields by serial number
fails.json     what fails: a method's name and the reason
"""

from __future__ import annotations

import json
from pathlib import Path

from collector_core import NotAvailable
from collector_plugins.solix import Solix


class RecordedAccount:
    """Reads the folder anew whenever it is asked."""

    def __init__(self, folder: Path) -> None:
        self.connected = False
        self._folder = folder
        self._sites, self._devices = {}, {}
        self._receive = None

    def sites(self):
        return self._sites

    def devices(self):
        return self._devices

    async def log_in(self):
        self._fail("log_in")

    async def update_sites(self, *, quick):
        self._fail("update_sites")
        self._sites, self._devices = self._read("sites"), self._read("devices")

    async def update_details(self):
        self._fail("update_details")

    async def update_energy(self):
        self._fail("update_energy")

    async def connect(self, receive):
        self._fail("connect")
        self._receive, self.connected = receive, True

    def subscribe(self):
        pass

    async def ask(self, serial, seconds):
        if values := self._read("messages").get(serial):
            self._receive(serial, values)
        return True

    async def close(self):
        self.connected = False

    def _read(self, name):
        file = self._folder / f"{name}.json"
        return json.loads(file.read_text()) if file.exists() else {}

    def _fail(self, method):
        if reason := self._read("fails").get(method):
            raise NotAvailable(reason, f"{method} fails")


class RecordedSolix(Solix):
    """The collector of a recorded account."""

    def make_account(self):
        return RecordedAccount(self.ctx.root)

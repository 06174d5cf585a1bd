"""Devices whose answers are files of the tree."""

from __future__ import annotations

from collector_core import HttpAnswer
from collector_plugins.http import Http


class RecordedHttp(Http):
    """A device's answer is the file `/http/ITS NAME`."""

    async def _get(self, device, url):
        return HttpAnswer("192.0.2.7", 200, {}, (self.ctx.path("/http") / device.name).read_bytes())

"""Messages that are lines of a file."""

from __future__ import annotations

from collector_plugins.mqtt import Mqtt


class RecordedMqtt(Mqtt):
    """Takes the lines of `/mqtt/messages`, topic and payload; those that the broker had kept begin with `=`."""

    def open(self):
        for line in self.ctx.path("/mqtt/messages").read_text(encoding="utf-8").splitlines():
            topic, _, payload = line.lstrip("=").partition(" ")
            self._take(topic, payload.encode(), line.startswith("="))

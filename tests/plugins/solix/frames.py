"""MQTT messages as devices send them: a binary frame of named fields, or JSON, in a JSON envelope."""

from __future__ import annotations

import base64
import functools
import json
import operator
import time

UNSIGNED, SIGNED, FOUR_BYTES = b"\x01", b"\x02", b"\x03"


def small(value):
    """One byte."""
    return UNSIGNED + value.to_bytes(1, "little")


def watts(value):
    """Two bytes, signed."""
    return SIGNED + value.to_bytes(2, "little", signed=True)


def wide(value):
    """Four bytes, signed."""
    return FOUR_BYTES + value.to_bytes(4, "little", signed=True)


def frame(kind, fields):
    """`kind` is the type of the message, e.g. "0405"; `fields` by their names, e.g. {"ad": small(62)}."""
    body = b"".join(
        bytes.fromhex(name) + len(value).to_bytes(1, "little") + value for name, value in sorted(fields.items())
    )
    return _framed(kind, body)


def json_frame(kind, data):
    """A frame whose field a2 is JSON, as power panels send it."""
    text = json.dumps({"localtime": "2026-01-15 12:00:00", "data": data}, separators=(",", ":")).encode()
    return _framed(kind, b"\xa2" + (len(text) + 1).to_bytes(2, "little") + b"\x00" + text)


def _framed(kind, body):
    head = b"\x03\x01\x0f" + bytes.fromhex(kind) + b"\xa1\x01\x34"
    length = 2 + 2 + len(head) + len(body) + 1
    text = b"\xff\x09" + length.to_bytes(2, "little") + head + body
    return text + functools.reduce(operator.xor, text).to_bytes(1, "little")


def message(model, serial, data, *, field="data", when=None):
    """The envelope: what stands in an MQTT message."""
    payload = {field: base64.b64encode(data).decode(), "sn": serial, "pn": model}
    head = {"version": "1.0.0.1", "client_id": serial, "timestamp": int(when or time.time()), "cmd": 16}
    return json.dumps({"head": head, "payload": json.dumps(payload)})


def power_station(serial, *, charge, ac_in=0, ac_out=0, solar=0, usb=0, model="A1790P"):
    """An F3800's regular message."""
    fields = {
        "a4": watts(20),
        "a5": watts(ac_in),
        "a6": watts(ac_out),
        "a7": watts(usb),
        "ad": small(charge),
        "ae": watts(solar),
        "af": watts(solar // 2),
        "b0": watts(solar - solar // 2),
        "b1": watts(ac_in + solar),
        "b2": watts(ac_out + usb),
        "be": small(26),
        "c0": small(charge),
        "c1": small(98),
    }
    return message(model, serial, frame("0405", fields))


def topic(model, serial):
    return f"dt/anker_power/{model}/{serial}/param_info"

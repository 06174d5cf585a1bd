"""A BMC on loopback, by pyghmi's server: `python bmc.py PORT [dcmi]` answers DCMI's power reading with 183 W."""

from __future__ import annotations

import struct
import sys

from pyghmi.ipmi.bmc import Bmc

GROUP_EXTENSION, DCMI, POWER_READING = 0x2C, 0xDC, 0x02
READING = struct.pack("<BHHHHIIB", DCMI, 183, 120, 310, 178, 1_700_000_000, 1000, 0x40)


class PowerBmc(Bmc):
    """One user, `monitor`, whose password is `secret`."""

    has_dcmi = False

    def handle_raw_request(self, request, session):
        is_power = request["netfn"] == GROUP_EXTENSION and request["command"] == POWER_READING
        if is_power and self.has_dcmi:
            session.send_ipmi_response(data=list(READING))
        else:
            super().handle_raw_request(request, session)

    def get_power_state(self):
        return "on"


if __name__ == "__main__":
    PowerBmc.has_dcmi = "dcmi" in sys.argv[2:]
    bmc = PowerBmc({"monitor": "secret"}, port=int(sys.argv[1]), address="127.0.0.1")
    print("ready", flush=True)
    bmc.listen()

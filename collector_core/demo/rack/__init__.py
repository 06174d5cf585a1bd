"""The demo rack, which the bundled plugins take their simulated numbers from so that they fit together.

Guests keep cores busy, busy cores draw watts, jobs load GPUs, and a home with sun, battery and grid feeds it all. Only
plugins of this distribution use it: it may change with any release.
"""

from collector_core.demo.rack.gpus import DemoGpu
from collector_core.demo.rack.guests import DemoGuest
from collector_core.demo.rack.home import Battery, Home
from collector_core.demo.rack.machine import Rack

__all__ = ["Battery", "DemoGpu", "DemoGuest", "Home", "Rack"]

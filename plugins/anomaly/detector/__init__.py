"""Judges series by their own past alone: no I/O, no clock, no thread."""

from collector_plugins.anomaly.detector.detector import CHOSEN, FLEET, Detector, Settings, Verdict

__all__ = ["CHOSEN", "FLEET", "Detector", "Settings", "Verdict"]

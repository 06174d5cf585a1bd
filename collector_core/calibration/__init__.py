"""What calibrations share: load on this machine, its power at each load, and how good a fit is."""

from collector_core.calibration.bench import LoadBench, LoadPoint, mean_points
from collector_core.calibration.load import load_levels
from collector_core.calibration.quality import FitQuality, fit_quality

__all__ = ["FitQuality", "LoadBench", "LoadPoint", "fit_quality", "load_levels", "mean_points"]

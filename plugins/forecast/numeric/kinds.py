"""A model for weeks of two kinds of days: work and rest, whichever two days running are the days of rest."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from collector_plugins.forecast.numeric.frame import Array, Frame
from collector_plugins.forecast.numeric.profiles import profile

OF_A_KIND = 20
DAYS_OFF = 2


def days_of_a_kind(frame: Frame) -> Array:
    """The median of the last days of the same kind, of which there are more than of the same weekday."""
    kinds = _days_off(profile(frame, 1.0).reshape(len(frame.rows), -1, frame.day))
    paths = [_path(frame, int(row), is_off) for row, is_off in zip(frame.rows, kinds, strict=True)]
    return np.array(paths)[:, : frame.horizon]


def _days_off(weeks: Array) -> NDArray[np.bool_]:
    """Of the mean week before each end, the two days running whose mean, beside that of the others, fits best."""
    days = weeks.shape[1]
    choices = (np.arange(days) - np.arange(days)[:, None]) % days < DAYS_OFF
    misfits = np.zeros((len(weeks), days))
    for kind in (choices, ~choices):
        means = np.einsum("cd,edh->ech", kind, weeks) / kind.sum(axis=1)[:, None]
        misfits += (np.abs(weeks[:, None] - means[:, :, None]).sum(axis=3) * kind).sum(axis=2)
    chosen: NDArray[np.bool_] = choices[misfits.argmin(axis=1)]
    return chosen


def _path(frame: Frame, row: int, is_off: NDArray[np.bool_]) -> Array:
    days = is_off[np.arange(-row, frame.days) % len(is_off)]
    past, before = frame.table[:row], days[:row]
    usual = {kind: np.median(past[before == kind][-OF_A_KIND:], axis=0) for kind in (True, False)}
    return np.concatenate([usual[bool(kind)] for kind in days[row:]])

"""What guests are called in labels, and what was counted under each of these names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from collector_plugins.qemu.guest import Guest

Labels = tuple[str, str]

MAX_REMEMBERED = 10_000  # names of guests that have ended; the oldest is forgotten first
MAX_CHARACTERS = 256


@dataclass(slots=True)
class Totals:
    """What the guests of one name used: CPU time in ticks, energy in joules."""

    ticks: int
    joules: float = 0.0


class GuestLabels:
    """Gives every guest its labels `vm` and `uuid`, and their totals, which outlive the guest.

    `vm` is the guest's name, without one its Proxmox number, its uuid, or its pid and start time. Of several guests
    whose labels would be the same the oldest has them; the others' `uuid` is their pid and start time.
    """

    def __init__(self) -> None:
        self._totals: dict[Labels, Totals] = {}

    def assign(self, guests: Sequence[Guest]) -> dict[Guest, Totals]:
        """Label all guests that there are now; returns the totals of each, in the same order."""
        taken: set[Labels] = set()
        for guest in sorted(guests, key=lambda guest: (guest.start, int(guest.pid))):
            name, uuid = _wanted(guest)
            if (name, uuid) in taken:
                uuid = guest.identity
            while (name, uuid) in taken:  # somebody calls a guest as we do
                uuid += "+"
            guest.labels = name, uuid
            taken.add(guest.labels)
        totals = {guest: self._of(guest.labels, guest) for guest in guests}
        self._forget_but(len(taken))
        return totals

    def _of(self, labels: Labels, guest: Guest) -> Totals:
        """A name seen for the first time starts with the CPU time its guest has used; one that is known goes on."""
        totals = self._totals.pop(labels, None) or Totals(guest.ticks)
        self._totals[labels] = totals  # as the latest: the first in line to be forgotten are those long gone
        return totals

    def _forget_but(self, living: int) -> None:
        excess = len(self._totals) - living - MAX_REMEMBERED
        for labels in list(self._totals)[: max(0, excess)]:
            del self._totals[labels]


def _wanted(guest: Guest) -> Labels:
    description = guest.description
    name = description.name or description.id or description.uuid or guest.identity
    return name[:MAX_CHARACTERS], description.uuid[:MAX_CHARACTERS]

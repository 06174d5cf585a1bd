"""What a writer remembers of its database."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Known:
    """The numbers of a site and its meter, by the site's id and the meter's name.

    `repeats`: the last readings held some that were there already, so the next may, too.
    """

    meters: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    repeats: bool = False

    def clear(self) -> None:
        """Forget all: it may be another database now."""
        self.meters.clear()
        self.repeats = False

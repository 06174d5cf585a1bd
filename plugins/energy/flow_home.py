"""The home or site around the machines: sun, grid, batteries, and what hangs on them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product

from collector_core.metering import EXPORT, FlowKind, FlowLink, FlowThing
from collector_plugins.energy.flow_series import Found, by_name

HOME = "home"
FULL = 0.98  # of a UPS' battery: what goes in beyond what comes out then charges nothing
_CONSUMERS = {"plug": FlowKind.PLUG, "ev_charger": FlowKind.PLUG, "ups": FlowKind.UPS}
_WITH_INVERTERS = (FlowKind.SOLAR, FlowKind.CIRCUIT, FlowKind.PLUG)
_TELLS_OF_A_HOME = (("power", "home"), ("import_power", "grid"), ("export_power", "grid"))


class HomeFlow:
    """Adds the home to `things` and `links`, where anything is known of one."""

    def __init__(
        self,
        found: Mapping[tuple[str, str], Sequence[Found]],
        things: dict[str, FlowThing],
        links: list[FlowLink],
    ) -> None:
        self._found = found
        self._watts = {about: by_name(each) for about, each in found.items()}
        self._things = things
        self._links = links
        homes = list(self._watts["power", "home"])
        self._site = f"{FlowKind.SITE}/{homes[0] if len(homes) == 1 else HOME}"

    def add(self) -> None:
        """Add it; what the home's own collector knows, and nobody else feeds, hangs on it."""
        fed = {link.target for link in self._links}
        consumers = list(self._add_consumers())
        self._add_batteries(fed)
        self._add_losses()
        self._add_sun_and_grid()
        self._add_inverters()
        if any(link.target == self._site for link in self._links):
            self._links += (FlowLink(self._site, identity) for identity in consumers if identity not in fed)

    def _add_consumers(self) -> Iterator[str]:
        """Add what no meter has brought in; the IDs of those that the collector of the home knows."""
        sources = {each.series.source for about in _TELLS_OF_A_HOME for each in self._found[about]}
        for kind, word in _CONSUMERS.items():
            for each in self._found["power", kind]:
                identity = f"{word}/{each.name}"
                if not any(known == identity or known.startswith(f"{identity}/") for known in self._things):
                    self._things[identity] = FlowThing(identity, each.value)
                if each.series.source in sources and identity in self._things:
                    yield identity

    def _add_batteries(self, fed: set[str]) -> None:
        into, out_of = self._watts["input_power", "battery"], self._watts["output_power", "battery"]
        for name in {**into, **out_of}:
            identity = f"{FlowKind.BATTERY}/{name}"
            known = self._things.get(identity, FlowThing(identity))
            self._things[identity] = FlowThing(identity, into.get(name), out_of.get(name, known.watts or 0.0))
            from_grid = self._watts["ac_input_power", "battery"].get(name, 0.0)
            if name in self._watts["home_power", "battery"]:
                self._links.append(FlowLink(identity, self._site))
            elif from_grid and identity not in fed:
                self._things.setdefault(self._site, FlowThing(self._site))
                self._links.append(FlowLink(self._site, identity, from_grid))

    def _add_losses(self) -> None:
        """What is converted to heat: of batteries whose cells are measured too, and of UPS with a full battery."""
        into, out_of, charge, discharge = (
            self._watts[topic, "battery"]
            for topic in ("input_power", "output_power", "charge_power", "discharge_power")
        )
        for name in into.keys() & out_of.keys() & charge.keys() & discharge.keys():
            self._add_loss(f"{FlowKind.BATTERY}/{name}", into[name] + discharge[name] - out_of[name] - charge[name])
        filled = {each.labels.get("device"): each.value for each in self._found["charge", "ups"]}
        for each in self._found["input_power", "ups"]:
            identity = f"{FlowKind.UPS}/{each.name}"
            given = self._things.get(identity, FlowThing(identity)).watts
            if given is not None and filled.get(each.labels.get("device"), 1.0) >= FULL:
                self._add_loss(identity, each.value - given)

    def _add_inverters(self) -> None:
        """What inverters turn to heat between the panels and the mains, where both sides are measured."""
        measured = {**self._watts["dc_power", "plug"], **self._watts["dc_power", "solar"]}
        for kind, (name, watts) in product(_WITH_INVERTERS, measured.items()):
            known = self._things.get(f"{kind}/{name}")
            if known and known.watts is not None and known.watts > 0:
                self._add_loss(known.id, watts - known.watts)

    def _add_loss(self, identity: str, watts: float) -> None:
        if watts <= 0:
            return
        thing, node = self._things[identity], f"{FlowKind.LOSS}/{identity}"
        if thing.gives is None:
            self._things[identity] = FlowThing(identity, (thing.watts or 0.0) + watts)
        else:
            self._things[identity] = FlowThing(identity, thing.watts, thing.gives + watts)
        self._things[node] = FlowThing(node, watts)
        self._links.append(FlowLink(identity, node, watts))

    def _add_sun_and_grid(self) -> None:
        for name, watts in self._watts["power", "solar"].items():
            battery = f"{FlowKind.BATTERY}/{name}"
            target = battery if battery in self._things else self._site
            self._add_source(f"{FlowKind.SOLAR}/{name}", watts, target)
        for name, watts in self._watts["import_power", "grid"].items():
            self._add_source(f"{FlowKind.GRID}/{name}", watts, self._site)
        for name, watts in self._watts["export_power", "grid"].items():
            identity = f"{FlowKind.GRID}/{name}{EXPORT}"
            self._things[identity] = FlowThing(identity, watts)
            self._things.setdefault(self._site, FlowThing(self._site))
            self._links.append(FlowLink(self._site, identity))

    def _add_source(self, identity: str, watts: float, target: str) -> None:
        self._things[identity] = FlowThing(identity, watts)
        self._things.setdefault(target, FlowThing(target))
        self._links.append(FlowLink(identity, target))

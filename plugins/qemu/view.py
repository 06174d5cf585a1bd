"""What the REST interface answers, as plain data: the rows of the last run, looked up and put into words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from typing import Any

from collector_core import ApiError
from collector_plugins.qemu.meter import Columns, Meter, Row


@dataclass(frozen=True)
class View:
    """What one run found; never changed. `read_at` is monotonic seconds."""

    meter: Meter
    columns: Columns
    read_at: float

    @cached_property
    def rows(self) -> Sequence[Row]:
        """Guest by guest."""
        return self.columns.rows()

    def find(self, vm: str, uuid: str) -> Row:
        """The one guest of that name, uuid or both; raises `ApiError` where there is none, or more than one."""
        if not vm and not uuid:
            raise ApiError(HTTPStatus.BAD_REQUEST, "name a guest: ?vm=NAME, or ?uuid=UUID")
        found = self._of_uuid(uuid, vm) if uuid else self._of_name(vm)
        if not found:
            raise ApiError(HTTPStatus.NOT_FOUND, f"no guest is called {vm or uuid!r}")
        if len(found) > 1:
            error = f"{len(found)} guests are called {vm or uuid!r}: ask for one by ?uuid=IDENTITY"
            raise ApiError(HTTPStatus.CONFLICT, error, vms=[self.one(row) for row in found])
        return found[0]

    def _of_name(self, vm: str) -> list[Row]:
        named = [row for row in self.rows if row.guest.labels[0] == vm]
        return named or [row for row in self.rows if row.guest.description.id == vm] or self._of_uuid(vm, "")

    def _of_uuid(self, uuid: str, vm: str) -> list[Row]:
        """By label or identity, which tell guests apart, before what the command line says, which may not."""
        rows = [row for row in self.rows if not vm or row.guest.labels[0] == vm]
        exact = [row for row in rows if uuid in (row.guest.labels[1], row.guest.identity)]
        return exact or [row for row in rows if row.guest.description.uuid == uuid.lower()]

    def power(self, row: Row) -> dict[str, Any]:
        """cinergy's answer to /power; raises `ApiError` while there are no watts."""
        if self.meter.model is None:
            raise ApiError(HTTPStatus.SERVICE_UNAVAILABLE, "no power model is configured: `coefficients` is off")
        if row.load is None or row.total is None:
            raise ApiError(
                HTTPStatus.NOT_FOUND,
                f"{row.guest.labels[0]!r} has just been found: its power comes with the next reading",
            )
        return {
            "vm": row.guest.labels[0],
            "cpu_usage": row.load,
            "vm_cores": row.vcpus,
            "server_cores": self.meter.model.server_cores,
            "cinergy_ratio": self.meter.model.ratio,
            "static_power_watts": row.static,
            "dynamic_power_watts": row.dynamic,
            "total_power_watts": row.total,
        }

    def carbon(self, row: Row) -> dict[str, Any]:
        """cinergy's answer to /carbon; raises `ApiError` where there are no watts or no emission factor."""
        watts = self.power(row)["total_power_watts"]
        if self.meter.carbon is None:
            raise ApiError(HTTPStatus.SERVICE_UNAVAILABLE, "no `emission_factor` is configured")
        return {
            "vm": row.guest.labels[0],
            "power_watts": watts,
            "pue": self.meter.carbon.pue,
            "emission_factor_gco2_per_kwh": self.meter.carbon.emission_factor,
            "carbon_intensity_gco2_per_hour": row.grams_per_hour,
        }

    def all(self) -> dict[str, Any]:
        """Every guest."""
        vms = [self.one(row) for row in self.rows]
        return {"cpu_unit": self.meter.power.cpu_unit, "vms": sorted(vms, key=lambda vm: (vm["vm"], vm["uuid"]))}

    def one(self, row: Row) -> dict[str, Any]:
        """One guest in full."""
        return self._summary(row, shared=self._names[row.guest.labels[0]] > 1)

    @cached_property
    def _names(self) -> Counter[str]:
        return Counter(row.guest.labels[0] for row in self.rows)

    @staticmethod
    def _summary(row: Row, *, shared: bool) -> dict[str, Any]:
        """One guest in full; None is not known. `shared`: whether another guest has the same name."""
        return {
            "vm": row.guest.labels[0],
            "uuid": row.guest.labels[1],
            "id": row.guest.description.id,
            "identity": row.guest.identity,
            "pid": int(row.guest.pid),
            "name_is_shared": shared,
            "vm_cores": row.vcpus,
            "cpu_usage": row.load,
            "cpu_usage_cores": row.cores,
            "cpu_seconds": row.cpu_seconds,
            "outside_fitted_range": row.is_outside,
            "static_power_watts": row.static,
            "dynamic_power_watts": row.dynamic,
            "total_power_watts": row.total,
            "energy_joules": row.joules,
            "carbon_intensity_gco2_per_hour": row.grams_per_hour,
            "emissions_grams": row.grams,
        }

"""All dashboards that there are."""

from __future__ import annotations

from grafana.build import (
    anomalies,
    batteries,
    everything,
    fleet,
    forecasts,
    gpus,
    health,
    machine,
    meters,
    nodes,
    sites,
    vms,
    workloads,
)

DASHBOARDS = (
    fleet.DASHBOARD,
    machine.DASHBOARD,
    gpus.DASHBOARD,
    vms.DASHBOARD,
    workloads.WORKLOADS_DASHBOARD,
    workloads.PODS_DASHBOARD,
    workloads.JOBS_DASHBOARD,
    batteries.DASHBOARD,
    meters.DASHBOARD,
    forecasts.DASHBOARD,
    sites.SITES_DASHBOARD,
    sites.FORECAST_DASHBOARD,
    sites.CARBON_DASHBOARD,
    nodes.DASHBOARD,
    anomalies.DASHBOARD,
    everything.DASHBOARD,
    health.DASHBOARD,
)

"""GPU cluster: power against limit, heat, memory and use of GPUs on this and other hosts."""

from __future__ import annotations

from grafana.build.dashboard import Dashboard, Variable, row
from grafana.build.fields import BAD, HEAT, LOAD, UP, YES_IS_BUSY, Look
from grafana.build.panels import bars, graph, stat, states, table
from grafana.build.queries import Query, chosen_by

HOST = Variable("host", "GPU host", "nvidia_host_up")
GPU = "{{host}} GPU {{gpu}}"

NVIDIA_ONLY = "the demo's GPUs are of NVIDIA"

_chosen = chosen_by("host", GPU)


CLUSTER = row(
    "Cluster",
    stat(
        "Power of all GPUs",
        "Watts of all GPUs that answered, here and on other hosts.",
        Look("watt"),
        Query("sum(nvidia_gpu_power_watts{$selected})"),
    ),
    stat(
        "Power of the chosen",
        "Watts of the GPUs on the chosen hosts.",
        Look("watt"),
        _chosen("sum(nvidia_gpu_power_watts{$chosen})", legend=""),
    ),
    stat(
        "Hosts reporting",
        "Hosts whose GPUs could be read.",
        Look("none"),
        Query("sum(nvidia_hosts_reporting{$selected})"),
    ),
    stat(
        "Hosts down",
        "Hosts whose GPUs could not be read in the last run.",
        Look("none", limits=BAD),
        _chosen("sum(1 - max by (job, instance, host) (nvidia_host_up{$chosen}))", legend=""),
    ),
    stat(
        "Hottest GPU",
        "Temperature of the hottest GPU.",
        Look("celsius", limits=HEAT),
        _chosen("max(nvidia_gpu_temperature_celsius{$chosen})", legend=""),
    ),
    stat(
        "Energy over this time",
        "Energy of the GPUs over the chosen time.",
        Look("watth"),
        _chosen("sum(increase(nvidia_gpu_energy_joules_total{$chosen}[$__range])) / 3600", legend=""),
    ),
    states(
        "Hosts",
        "Whether the GPUs of each host could be read.",
        Look("none", words=UP),
        _chosen("max by (job, instance, host) (nvidia_host_up{$chosen})", "{{host}}"),
    ),
    table(
        "Why a host is down",
        "The reason that the last try to read a host's GPUs gave.",
        Look("none"),
        _chosen("nvidia_host_unavailable_info{$chosen}", legend=""),
    ),
)

POWER = row(
    "Power",
    graph(
        "Power of GPUs",
        "Watts of each board; the stack is the cluster.",
        Look("watt", minimum=0),
        _chosen("nvidia_gpu_power_watts{$chosen}"),
        stack=True,
    ),
    graph(
        "Power against limit",
        "Power as a part of the limit that is in force: 100 % is the limit.",
        Look("percentunit", minimum=0, limits=LOAD),
        _chosen("nvidia_gpu_power_limit_usage_ratio{$chosen}"),
    ),
    bars(
        "Limit of each GPU",
        "The limit that is configured for the host, or the one that the driver enforces.",
        Look("watt", minimum=0),
        _chosen("nvidia_gpu_power_limit_watts{$chosen}"),
    ),
    states(
        "Throttled",
        "When a GPU's clocks were held back by heat or by its power supply; an idle GPU is no reason.",
        Look("none", words=YES_IS_BUSY),
        _chosen(
            "max by (job, instance, host, gpu) "
            '(nvidia_gpu_throttled{$chosen, reason=~"hw_.*|sw_thermal_slowdown|sw_power_cap"})'
        ),
        width=18,
    ),
)

WORK = row(
    "Heat, memory and use",
    graph(
        "Temperature",
        "Temperature of each GPU.",
        Look("celsius"),
        _chosen("nvidia_gpu_temperature_celsius{$chosen}"),
        width=8,
    ),
    graph(
        "Use",
        "Part of the time in which a kernel ran.",
        Look("percentunit", minimum=0, maximum=1),
        _chosen("nvidia_gpu_utilization_ratio{$chosen}"),
        width=8,
    ),
    graph(
        "Memory in use",
        "Memory in use as a part of each GPU's.",
        Look("percentunit", minimum=0, maximum=1),
        _chosen("nvidia_gpu_memory_used_bytes{$chosen} / nvidia_gpu_memory_total_bytes{$chosen}"),
        width=8,
    ),
    graph(
        "Clocks",
        "Frequency of the graphics clock.",
        Look("hertz", minimum=0),
        _chosen('nvidia_gpu_clock_hertz{$chosen, clock="graphics"}'),
        width=8,
    ),
    graph(
        "Fans",
        "Speed that the board asks of its fans.",
        Look("percentunit", minimum=0),
        _chosen("nvidia_gpu_fan_speed_ratio{$chosen}"),
        width=8,
    ),
    graph(
        "Memory errors",
        "Errors of the GPUs' memory by kind; uncorrected ones cost data.",
        Look("none", minimum=0),
        _chosen("increase(nvidia_gpu_ecc_errors_total{$chosen}[$__rate_interval])", f"{GPU} {{{{kind}}}}"),
        width=8,
    ),
    table(
        "GPUs",
        "Model and driver of each GPU.",
        Look("short", others={"Power": "watt", "Memory": "bytes", "Temperature": "celsius"}),
        _chosen("max by (host, gpu) (nvidia_gpu_power_watts{$chosen})", column="Power"),
        _chosen("max by (host, gpu) (nvidia_gpu_temperature_celsius{$chosen})", column="Temperature"),
        _chosen("max by (host, gpu) (nvidia_gpu_memory_total_bytes{$chosen})", column="Memory"),
        _chosen("max by (host, gpu, name, driver) (nvidia_gpu_info{$chosen})"),
        width=24,
    ),
)

OTHERS = row(
    "AMD and Intel",
    *(
        graph(title, text, look, Query(f"{family}{{$selected}}", "{{gpu}} {{driver}}"), width=8, empty=NVIDIA_ONLY)
        for title, text, look, family in (
            (
                "Power of cards",
                "Watts of each GPU that amdgpu, i915 or xe drive.",
                Look("watt", minimum=0),
                "gpu_power_watts",
            ),
            (
                "Use of cards",
                "Part of the time in which each was busy.",
                Look("percentunit", minimum=0, maximum=1),
                "gpu_utilization_ratio",
            ),
            ("Temperature of cards", "Temperature of each.", Look("celsius"), "gpu_temperature_celsius"),
        )
    ),
)

DASHBOARD = Dashboard(
    "energy-collector-gpus",
    "Energy · GPU cluster",
    "GPUs here and over ssh: power against limit, heat, memory, use, and hosts that are down.",
    (CLUSTER, POWER, WORK, OTHERS),
    (HOST,),
)

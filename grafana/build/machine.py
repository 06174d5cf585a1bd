"""Machine: the ledger of one machine, its processor zones and what the operating system knows of it."""

from __future__ import annotations

from grafana.build.dashboard import Dashboard, row
from grafana.build.fields import HEAT, LOAD, Look
from grafana.build.panels import bars, graph, stat, table
from grafana.build.queries import Query

RAPL_ONLY = "the processor of the demo is read by RAPL"

LEDGER = row(
    "Ledger: each joule once",
    stat(
        "Power",
        "Watts of the machine: the sum of the ledger.",
        Look("watt"),
        Query("sum by (job, instance) (energy_power_watts{$selected})", "{{instance}}"),
        width=6,
    ),
    stat(
        "Energy over this time",
        "Energy over the time that is chosen above.",
        Look("watth"),
        Query("sum by (job, instance) (increase(energy_joules_total{$selected}[$__range])) / 3600", "{{instance}}"),
        width=6,
    ),
    stat(
        "Part that is estimated",
        "Share of the watts that no counter and no meter measured: method `model`.",
        Look("percentunit", decimals=0),
        Query(
            '(sum by (job, instance) (energy_power_watts{$selected, method="model"})'
            " or 0 * sum by (job, instance) (energy_power_watts{$selected}))"
            " / sum by (job, instance) (energy_power_watts{$selected})",
            "{{instance}}",
        ),
        width=6,
    ),
    stat(
        "Up since",
        "When the machine was started.",
        Look("dateTimeFromNow"),
        Query("system_boot_time_seconds{$selected} * 1000", "{{instance}}"),
        width=6,
    ),
    graph(
        "Power by component",
        "Watts by component and device; the stack is the machine.",
        Look("watt", minimum=0),
        Query("energy_power_watts{$selected}", "{{component}} {{device}}"),
        stack=True,
    ),
    graph(
        "Power by its energy counters",
        "Mean watts from the joules that were counted, to compare with the power of the moment.",
        Look("watt", minimum=0),
        Query(
            "sum by (component) (rate(energy_joules_total{$selected}[$__rate_interval]))",
            "{{component}}",
        ),
        stack=True,
    ),
    bars(
        "How far it may be off",
        "Expected error of energy and power, as a part of them, by component and method.",
        Look("percentunit", minimum=0),
        Query("max by (component, method) (energy_uncertainty_ratio{$selected})", "{{component}} by {{method}}"),
    ),
    table(
        "Meters",
        "All meters that there are. Where `counts` is false its energy is in another one already.",
        Look("none"),
        Query("energy_meter_info{$selected}"),
    ),
    graph(
        "Power of the whole site",
        "All that is known: this machine, other hosts, batteries, plugs, other collectors. Each watt counts once.",
        Look("watt", minimum=0),
        Query("sum by (component, host) (energy_site_power_watts{$selected})", "{{component}} {{host}}"),
        stack=True,
    ),
    graph(
        "Carbon of the mix",
        "CO2 equivalent per kWh of what the site draws: solar 0, batteries what they were charged with, else the grid.",
        Look("none", minimum=0),
        Query("energy_mix_grams_per_kwh{$selected}", "{{instance}}"),
        width=6,
    ),
    graph(
        "Time until batteries are empty",
        "At the present draw; only while they discharge.",
        Look("s", minimum=0),
        Query("energy_battery_runtime_seconds{$selected}", "{{device}}"),
        width=6,
        empty="no battery discharges while the sun gives more than the home takes",
    ),
    graph(
        "Power that nobody accounts for",
        "Watts of the machine that no known part draws: the rest of a platform, or of a meter in front of it.",
        Look("watt", minimum=0),
        Query("energy_unattributed_power_watts{$selected}", "{{instance}}"),
        width=6,
    ),
)

ZONES = row(
    "Processor zones (RAPL)",
    graph(
        "Power of zones",
        "Mean power of every zone. Zones overlap, so they do not add up: the ledger does.",
        Look("watt", minimum=0),
        Query("rapl_power_watts{$selected}", "package {{package}} {{zone}} {{path}}"),
        Query("perf_power_watts{$selected}", "package {{package}} {{event}}", empty=RAPL_ONLY),
        Query("macos_power_watts{$selected}", "{{part}}", empty=RAPL_ONLY),
        Query("windows_power_watts{$selected}", "{{meter}}", empty=RAPL_ONLY),
    ),
    graph(
        "Power limits",
        "Limits that are set for the zones, whether or not they are enforced.",
        Look("watt", minimum=0),
        Query("rapl_power_limit_watts{$selected}", "{{path}} {{constraint}}"),
        width=6,
    ),
    graph(
        "Gaps",
        "Times that energy between two readings could not be known and was left out.",
        Look("none", minimum=0),
        Query("increase(rapl_unknown_gaps_total{$selected}[$__rate_interval])", "{{path}}"),
        width=6,
    ),
)

PROCESSOR = row(
    "Processor and memory",
    graph(
        "CPU use",
        "Busy part of all CPUs.",
        Look("percentunit", minimum=0, maximum=1),
        Query("system_cpu_usage_ratio{$selected}", "{{instance}}"),
        width=8,
    ),
    graph(
        "CPU time by mode",
        "CPUs that were busy in each mode.",
        Look("none", minimum=0),
        Query(
            'sum by (mode) (rate(system_cpu_seconds_total{$selected, mode!="idle"}[$__rate_interval]))',
            "{{mode}}",
        ),
        width=8,
        stack=True,
    ),
    graph(
        "Clock of CPUs",
        "Lowest, mean and highest frequency of the machine's CPUs.",
        Look("hertz", minimum=0),
        Query("min by (job, instance) (system_cpu_frequency_hertz{$selected})", "{{instance}} lowest"),
        Query("avg by (job, instance) (system_cpu_frequency_hertz{$selected})", "{{instance}} mean"),
        Query("max by (job, instance) (system_cpu_frequency_hertz{$selected})", "{{instance}} highest"),
        width=8,
    ),
    graph(
        "Memory",
        "Memory in use and in all.",
        Look("bytes", minimum=0),
        Query("system_memory_used_bytes{$selected}", "{{instance}} used"),
        Query("system_memory_total_bytes{$selected}", "{{instance}} total"),
        width=8,
    ),
    graph(
        "Swap in use",
        "Swap that holds something.",
        Look("bytes", minimum=0),
        Query("system_swap_used_bytes{$selected}", "{{instance}}"),
        width=8,
    ),
    graph(
        "Load",
        "Load average over one, five and fifteen minutes: tasks that run or want to.",
        Look("short", minimum=0),
        Query("system_load_average{$selected}", "{{instance}} {{period}}"),
        width=8,
    ),
)

DEVICES = row(
    "Disks, network and heat",
    graph(
        "Disk traffic",
        "Bytes read from and written to disks.",
        Look("Bps", minimum=0),
        Query("rate(system_disk_read_bytes_total{$selected}[$__rate_interval])", "{{device}} read"),
        Query("rate(system_disk_written_bytes_total{$selected}[$__rate_interval])", "{{device}} written"),
        width=8,
    ),
    graph(
        "Network traffic",
        "Bytes received and sent.",
        Look("Bps", minimum=0),
        Query("rate(system_network_receive_bytes_total{$selected}[$__rate_interval])", "{{device}} received"),
        Query("rate(system_network_transmit_bytes_total{$selected}[$__rate_interval])", "{{device}} sent"),
        width=8,
    ),
    bars(
        "File systems in use",
        "Part of each file system that is in use.",
        Look("percentunit", minimum=0, maximum=1, limits=LOAD),
        Query(
            "1 - system_filesystem_available_bytes{$selected} / system_filesystem_size_bytes{$selected}",
            "{{instance}} {{mountpoint}}",
        ),
        width=8,
    ),
    graph(
        "Temperatures",
        "What the machine's sensors tell.",
        Look("celsius", limits=HEAT),
        Query("system_temperature_celsius{$selected}", "{{chip}} {{sensor}}"),
        width=8,
    ),
    graph(
        "Latency to other hosts",
        "Time of a way to the configured targets and back.",
        Look("s", minimum=0),
        Query("performance_network_latency_seconds{$selected}", "{{target}}"),
        width=8,
    ),
    graph(
        "Loss to other hosts",
        "Part of what was sent to the configured targets that did not come back.",
        Look("percentunit", minimum=0, maximum=1),
        Query("performance_network_loss_ratio{$selected}", "{{target}}"),
        width=8,
    ),
)

DASHBOARD = Dashboard(
    "energy-collector-machine",
    "Energy · Machine",
    "The ledger of a machine, its processor zones and the host's own metrics.",
    (LEDGER, ZONES, PROCESSOR, DEVICES),
)

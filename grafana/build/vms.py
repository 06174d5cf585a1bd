"""Virtual machines: static and dynamic watts of QEMU guests, the largest of them, and their carbon."""

from __future__ import annotations

from grafana.build.dashboard import Dashboard, Variable, row
from grafana.build.fields import YES_IS_BAD, Look
from grafana.build.panels import bars, graph, stat, states, table
from grafana.build.queries import Query, chosen_by

VM = Variable("vm", "Virtual machine", "qemu_vm_cpu_usage_cores")

_chosen = chosen_by("vm", "{{vm}}")


NOW = row(
    "Now",
    stat("Guests", "Virtual machines that run.", Look("none"), Query("sum(qemu_vms{$selected})")),
    stat(
        "Power of guests",
        "Watts of the chosen guests by cinergy's model. They are part of the host's watts, not to be added to them.",
        Look("watt"),
        _chosen("sum(qemu_vm_power_watts{$chosen})", legend=""),
    ),
    stat(
        "Power without a guest",
        "Watts of the host's load that no guest accounts for; absent where the guests' model gives more.",
        Look("watt"),
        Query("sum(qemu_unaccounted_power_watts{$selected})"),
        empty="absent while the guests' watts are more than the host's load accounts for",
    ),
    stat(
        "Carbon per hour",
        "CO₂ equivalent of an hour at this power.",
        Look("suffix: g/h", decimals=1),
        _chosen("sum(qemu_vm_emissions_grams_per_hour{$chosen})", legend=""),
    ),
    stat(
        "Energy over this time",
        "Energy of the chosen guests over the chosen time.",
        Look("watth"),
        _chosen("sum(increase(qemu_vm_energy_joules_total{$chosen}[$__range])) / 3600", legend=""),
    ),
    stat(
        "Carbon over this time",
        "CO₂ equivalent of the chosen guests over the chosen time.",
        Look("massg"),
        _chosen("sum(increase(qemu_vm_emissions_grams_total{$chosen}[$__range]))", legend=""),
    ),
)

POWER = row(
    "Power",
    graph(
        "Static and dynamic power",
        "Static: the guest's share of the idle host. Dynamic: what its load adds.",
        Look("watt", minimum=0),
        _chosen("sum(qemu_vm_static_power_watts{$chosen})", "static"),
        _chosen("sum(qemu_vm_dynamic_power_watts{$chosen})", "dynamic"),
        stack=True,
    ),
    graph(
        "Power of each guest",
        "Watts of each guest as if it were alone.",
        Look("watt", minimum=0),
        _chosen("qemu_vm_power_watts{$chosen}"),
        stack=True,
    ),
    bars(
        "The ten that draw most",
        "Guests with the highest power now.",
        Look("watt", minimum=0),
        _chosen("topk(10, sum by (instance, vm) (qemu_vm_power_watts{$chosen}))"),
        width=8,
    ),
    bars(
        "The ten that compute most",
        "Guests that keep the most cores of the host busy now.",
        Look("suffix: cores", minimum=0, decimals=2),
        _chosen("topk(10, sum by (instance, vm) (qemu_vm_cpu_usage_cores{$chosen}))"),
        width=8,
    ),
    bars(
        "The ten that emit most",
        "Guests with the highest emissions of CO₂ equivalent now.",
        Look("suffix: g/h", minimum=0, decimals=1),
        _chosen("topk(10, sum by (instance, vm) (qemu_vm_emissions_grams_per_hour{$chosen}))"),
        width=8,
    ),
)

LOAD = row(
    "Load",
    graph(
        "Cores that guests keep busy",
        "CPU use of each guest's process, in cores of the host.",
        Look("suffix: cores", minimum=0, decimals=2),
        _chosen("rate(qemu_vm_cpu_seconds_total{$chosen}[$__rate_interval])"),
        width=8,
        stack=True,
    ),
    graph(
        "Cores that are busy on the host",
        "All busy cores, and those that no guest accounts for.",
        Look("suffix: cores", minimum=0, decimals=2),
        Query("qemu_host_cpu_usage_cores{$selected}", "{{instance}} host"),
        Query("qemu_unaccounted_cpu_cores{$selected}", "{{instance}} without a guest"),
        width=8,
    ),
    table(
        "All guests",
        "What each guest has and draws.",
        Look("short", others={"Power": "watt", "Static": "watt", "Dynamic": "watt"}),
        _chosen("sum by (instance, vm) (qemu_vm_vcpus{$chosen})", column="vCPUs"),
        _chosen("sum by (instance, vm) (qemu_vm_static_power_watts{$chosen})", column="Static"),
        _chosen("sum by (instance, vm) (qemu_vm_dynamic_power_watts{$chosen})", column="Dynamic"),
        _chosen("sum by (instance, vm) (qemu_vm_power_watts{$chosen})", column="Power"),
        width=8,
    ),
    states(
        "Outside the fitted range",
        "When a guest's load was outside the range that the model was fitted in, so its edge stood for it.",
        Look("none", words=YES_IS_BAD),
        _chosen("qemu_vm_outside_fitted_range{$chosen}"),
        width=24,
    ),
)

DASHBOARD = Dashboard(
    "energy-collector-vms",
    "Energy · Virtual machines",
    "Static and dynamic watts of QEMU guests, those that draw most, and their carbon.",
    (NOW, POWER, LOAD),
    (VM,),
)

"""Workloads, pods and jobs: whose joules they are."""

from __future__ import annotations

from grafana.build.dashboard import Dashboard, Row, Variable, row
from grafana.build.fields import Look
from grafana.build.panels import bars, graph, stat, table
from grafana.build.queries import Query, chosen_by

KIND = Variable("kind", "Kind", "workloads_energy_joules_total")
NAMESPACE = Variable("namespace", "Namespace", "workloads_energy_joules_total", 'kind="pod", $selected')

_kind = chosen_by("kind", "{{kind}} {{name}}")
_pod = chosen_by("namespace", "{{namespace}}/{{name}}")
_WATTS = "rate(workloads_energy_joules_total{%s}[$__rate_interval])"


def _power(selector: str, by: str) -> str:
    return f"sum by (instance, {by}) ({_WATTS % selector})"


def _energy(selector: str, by: str) -> str:
    return f"sum by (instance, {by}) (increase(workloads_energy_joules_total{{{selector}}}[$__range])) / 3600"


NOW = row(
    "Now",
    stat(
        "Power of workloads",
        "Watts that the chosen kinds of workloads draw.",
        Look("watt"),
        _kind("sum(rate(workloads_energy_joules_total{$chosen}[$__rate_interval]))", legend=""),
        width=6,
    ),
    stat(
        "Idle power",
        "Watts that the machines would draw with nothing to do, where nobody bears them.",
        Look("watt"),
        Query("sum(rate(workloads_idle_joules_total{$selected}[$__rate_interval]))"),
        width=6,
    ),
    stat(
        "Power of nobody",
        "Watts of threads of the kernel, of interrupts and of memory that belongs to no workload.",
        Look("watt"),
        Query("sum(rate(workloads_unattributed_joules_total{$selected}[$__rate_interval]))"),
        width=6,
    ),
    stat(
        "Conservation",
        "Joules that were handed out by those that were measured: 1 while no joule is lost or doubled.",
        Look("none", decimals=4),
        Query("min(workloads_conservation_ratio{$selected})"),
        width=6,
    ),
)

POWER = row(
    "Power",
    graph(
        "Where the watts go",
        "Watts by kind of workload, idle and of nobody: together what was measured.",
        Look("watt", minimum=0),
        _kind("sum by (kind) (rate(workloads_energy_joules_total{$chosen}[$__rate_interval]))", "{{kind}}"),
        Query("sum(rate(workloads_idle_joules_total{$selected}[$__rate_interval]))", "idle"),
        Query("sum(rate(workloads_unattributed_joules_total{$selected}[$__rate_interval]))", "nobody"),
        stack=True,
    ),
    graph(
        "Power of each workload",
        "Watts of each workload of the chosen kinds.",
        Look("watt", minimum=0),
        _kind(_power("$chosen", "kind, name")),
        stack=True,
    ),
    bars(
        "The ten that draw most",
        "Workloads with the highest power now.",
        Look("watt", minimum=0),
        _kind(f"topk(10, {_power('$chosen', 'kind, name')})"),
        width=12,
    ),
    bars(
        "The ten that drew most",
        "Workloads with the most energy over the chosen time.",
        Look("watth", minimum=0),
        _kind(f"topk(10, {_energy('$chosen', 'kind, name')})"),
        width=12,
    ),
    table(
        "All workloads",
        "What each workload is: its image, runtime, owner, user and slice.",
        Look("none"),
        _kind("max by (instance, kind, name, image, runtime, owner, user, slice) (workloads_info{$chosen})"),
        width=24,
    ),
)

WORK = row(
    "Work and watched processes",
    graph(
        "Joules per unit of work",
        "Energy of the machine, or of a workload, per unit that a counter counts.",
        Look("joule", minimum=0),
        Query("workloads_work_joules{$selected}", "{{instance}} {{work}}"),
        width=8,
        empty="absent while no work is done, or where the option `work` names none",
    ),
    graph(
        "Memory of watched processes",
        "Memory in RAM of the processes that the option `watch` names.",
        Look("bytes", minimum=0),
        Query("workloads_process_resident_memory_bytes{$selected}", "{{instance}} {{process}}"),
        width=8,
        empty="absent where the option `watch` names no process",
    ),
    graph(
        "Power of watched processes",
        "Watts of the processes that the option `watch` names, without idle power.",
        Look("watt", minimum=0),
        Query("workloads_process_power_watts{$selected}", "{{instance}} {{process}}"),
        width=8,
        empty="absent where the option `watch` names no process",
    ),
)


def _of_one_kind(title: str, what: str, kind: str, chosen: str, by: str, legend: str) -> Row:
    """Power and energy of workloads of one kind."""
    selector = f'kind="{kind}", {chosen}'
    owners = f'kind="{kind}", $selected'
    return row(
        title,
        graph(
            f"Power of each {what}",
            f"Watts of each {what}; its part of the idle power is in it only where the option `idle` says so.",
            Look("watt", minimum=0),
            Query(_power(selector, by), legend),
            stack=True,
        ),
        bars(
            f"Energy of each {what}",
            f"Energy of the ten {what}s that drew most over the chosen time.",
            Look("watth", minimum=0),
            Query(f"topk(10, {_energy(selector, by)})", legend),
            width=12,
        ),
        table(
            f"All {what}s",
            f"Owner, user and image of each {what}, where they are known.",
            Look("none"),
            Query(f"max by (instance, namespace, name, owner, user, image) (workloads_info{{{owners}}})"),
            width=24,
        ),
    )


PODS = _of_one_kind(
    "Pods", "pod", "pod", '$selected, namespace=~"$namespace"', "namespace, name", "{{namespace}}/{{name}}"
)
NAMESPACES = row(
    "Namespaces",
    graph(
        "Power of each namespace",
        "Watts of all pods of a namespace.",
        Look("watt", minimum=0),
        _pod(
            'sum by (namespace) (rate(workloads_energy_joules_total{kind="pod", $chosen}[$__rate_interval]))',
            "{{namespace}}",
        ),
        stack=True,
        width=24,
    ),
)
JOBS = _of_one_kind("Jobs", "job", "slurm", "$selected", "name, part", "{{name}} {{part}}")

WORKLOADS_DASHBOARD = Dashboard(
    "energy-collector-workloads",
    "Energy · Workloads",
    "Whose joules they are: units, containers, pods, jobs, virtual machines and sessions.",
    (NOW, POWER, WORK),
    (KIND,),
)
PODS_DASHBOARD = Dashboard(
    "energy-collector-pods",
    "Energy · Pods",
    "Power and energy of Kubernetes pods and namespaces.",
    (NAMESPACES, PODS),
    (NAMESPACE,),
)
JOBS_DASHBOARD = Dashboard(
    "energy-collector-jobs",
    "Energy · Jobs",
    "Power and energy of Slurm jobs and their steps.",
    (JOBS,),
)

"""What the Linux kernel tells in /proc and /sys: reading it cheaply, and reading it once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collector_core.late_names import late_names

if TYPE_CHECKING:
    from collector_core.procfs.cgroup import CgroupTree, find_cgroups, list_cgroup_trees
    from collector_core.procfs.cpu import CPU_FILE, CpuDescription, parse_cpus, read_cpus
    from collector_core.procfs.drm import read_gpu_uses
    from collector_core.procfs.files import read_file
    from collector_core.procfs.hwmon import HwmonChip, find_hwmon_chips, read_line, sensor_order
    from collector_core.procfs.kept_file import KeptFile
    from collector_core.procfs.mount import is_kernel_mount
    from collector_core.procfs.number_words import FoundNumbers, NumberText, is_number
    from collector_core.procfs.process_stats import ProcessStats, read_process_stats
    from collector_core.procfs.processes import ProcessStat, Turns, descendants, parse_process_stat
    from collector_core.procfs.processors import (
        Processor,
        ProcessorFamily,
        ProcessorKind,
        find_family,
        find_processor,
        find_tdp,
    )
    from collector_core.procfs.stat import (
        CLOCK_TICKS_PER_SECOND,
        CPU_MODES,
        CpuTicks,
        count_cpus,
        cpu_ticks,
        cpu_ticks_by_cpu,
    )

__all__ = [
    "CLOCK_TICKS_PER_SECOND",
    "CPU_FILE",
    "CPU_MODES",
    "CgroupTree",
    "CpuDescription",
    "CpuTicks",
    "FoundNumbers",
    "HwmonChip",
    "KeptFile",
    "NumberText",
    "ProcessStat",
    "ProcessStats",
    "Processor",
    "ProcessorFamily",
    "ProcessorKind",
    "Turns",
    "count_cpus",
    "cpu_ticks",
    "cpu_ticks_by_cpu",
    "descendants",
    "find_cgroups",
    "find_family",
    "find_hwmon_chips",
    "find_processor",
    "find_tdp",
    "is_kernel_mount",
    "is_number",
    "list_cgroup_trees",
    "parse_cpus",
    "parse_process_stat",
    "read_cpus",
    "read_file",
    "read_gpu_uses",
    "read_line",
    "read_process_stats",
    "sensor_order",
]

_HOMES = {
    "collector_core.procfs.cgroup": "CgroupTree find_cgroups list_cgroup_trees",
    "collector_core.procfs.cpu": "CPU_FILE CpuDescription parse_cpus read_cpus",
    "collector_core.procfs.drm": "read_gpu_uses",
    "collector_core.procfs.files": "read_file",
    "collector_core.procfs.hwmon": "HwmonChip find_hwmon_chips read_line sensor_order",
    "collector_core.procfs.kept_file": "KeptFile",
    "collector_core.procfs.mount": "is_kernel_mount",
    "collector_core.procfs.number_words": "FoundNumbers NumberText is_number",
    "collector_core.procfs.process_stats": "ProcessStats read_process_stats",
    "collector_core.procfs.processes": "ProcessStat Turns descendants parse_process_stat",
    "collector_core.procfs.processors": "Processor ProcessorFamily ProcessorKind find_family find_processor find_tdp",
    "collector_core.procfs.stat": ("CLOCK_TICKS_PER_SECOND CPU_MODES CpuTicks count_cpus cpu_ticks cpu_ticks_by_cpu"),
}

__getattr__ = late_names(__name__, _HOMES)

"""One golden `/metrics` of a small machine proves the whole program; `pytest --update-golden` writes it anew."""

import re
from pathlib import Path

HERE = Path(__file__).parent
GOLDEN = HERE / "golden.prom"
MOVING = re.compile(
    r"^(# \w+ )?(process_|python|collector_(build|config_reload_timestamp|run_duration|last_success|plugin_info)"
    r"|collector_(runs|skipped_ticks|history_bytes)|system_filesystem)"
)
FILES = {
    "proc/stat": "cpu  300 0 100 5000 10 0 5 0 0 0\ncpu0 300 0 100 5000 10 0 5 0 0 0\nbtime 1700000000\n",
    "proc/meminfo": "MemTotal: 1000 kB\nMemFree: 100 kB\nMemAvailable: 400 kB\nSwapTotal: 200 kB\nSwapFree: 150 kB\n",
    "proc/loadavg": "0.50 0.25 0.10 1/100 1234\n",
    "proc/cpuinfo": "processor\t: 0\nmodel name\t: Small CPU\nphysical id\t: 0\ncore id\t: 0\n\n",
    "proc/net/dev": (
        "Inter-|   Receive  |  Transmit\n"
        " face |bytes packets errs drop fifo frame compressed multicast|bytes packets errs drop fifo colls carrier\n"
        "  eth0: 1000 10 1 2 0 0 0 0 2000 20 3 4 0 0 0 0\n"
    ),
    "proc/mounts": "",
    "sys/class/powercap/intel-rapl:0/name": "package-0\n",
    "sys/class/powercap/intel-rapl:0/energy_uj": "1000000\n",
    "sys/class/powercap/intel-rapl:0/max_energy_range_uj": "262143328850\n",
}


def test_the_whole_program_on_a_small_machine(collector, tmp_path, eventually, collector_golden):
    root = tmp_path / "root"
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    program = collector(
        "collectors: {rapl: {interval: 200ms, labels: {site: lab}}, system: {interval: 1h}}", "--root", root
    )
    (root / "sys/class/powercap/intel-rapl:0/energy_uj").write_text("8500000\n")
    energy = 'rapl_energy_joules_total{package="0",path="intel-rapl:0",site="lab",zone="package-0"}'
    eventually(lambda: program.samples().get(energy) == 7.5)
    eventually(lambda: program.samples()[energy.replace("energy_joules_total", "power_watts")] == 0)
    lines = program.request("/metrics", Accept="application/openmetrics-text").text.splitlines()
    text = "\n".join(line for line in lines if not MOVING.match(line)) + "\n"
    collector_golden.check(text, GOLDEN)

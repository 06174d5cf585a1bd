"""Beside programs that read the same and meter energy, too: Scaphandre, and Alumet's agent; each where it is installed.

Neither is in Debian: build them from source, and put `scaphandre` and `alumet-agent` into PATH. They look for energy
counters in one place only, so that all run as root in a mount namespace of their own, where made-up ones are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

from bench.effort import Effort
from bench.figures import Figure, Goal, MissingProgramError
from bench.programs import EVERYTHING, Program, energy_collector, free_port, installed, started
from bench.rows.paced import Paced, run_round
from bench.tree import Tree, repeated

OURS = {
    "system": {"interval": "1s", "options": EVERYTHING},
    "rapl": {"interval": "1s"},
    "energy": {"interval": "1s"},
}
BARS = {"Scaphandre": Goal(0.4, 0.2), "Alumet": Goal(2, 1)}
_SHOW = 'mount -t overlay overlay -o "lowerdir=$1:/sys" /sys && shift && exec "$@"'
_ALUMET = """
[plugins.prometheus-exporter]
host = "127.0.0.1"
port = {port}
prefix = ""
suffix = ""
add_attributes_to_labels = true
[plugins.rapl]
poll_interval = "1s"
flush_interval = "1s"
no_perf_events = true
[plugins.procfs]
kernel = {{ enabled = true, poll_interval = "1s" }}
memory = {{ enabled = true, poll_interval = "1s", metrics = ["MemTotal", "MemFree", "MemAvailable", "Cached"] }}
network = {{ enabled = true, poll_interval = "1s" }}
[plugins.procfs.processes]
enabled = false
refresh_interval = "1s"
strategy = "watcher"
groups = []
events = {{ poll_interval = "1s", flush_interval = "1s", memory_mode = "quick" }}
"""


def measure(effort: Effort) -> list[Figure]:
    """CPU of ours and of each of them in turn, second by second, each scraped once a second."""
    with TemporaryDirectory(prefix="bench-peers-") as folder, ExitStack() as stack:
        tree = Tree(Path(folder, "root"))
        tree.nest()
        stack.enter_context(repeated(tree.advance, 0.5))  # some share out nothing but what has grown
        theirs = dict(_peers(stack, folder, tree))
        if not theirs:
            raise MissingProgramError("neither scaphandre nor alumet-agent is installed")
        command = energy_collector(OURS, within=_within(folder, tree), history=False)
        ours = Paced(stack.enter_context(command), 0.2)
        for _ in range(effort.pairs):
            run_round([ours, *theirs.values()], effort.paced_seconds)
        return [_figure(name, ours, paced) for name, paced in theirs.items()]


def _peers(stack: ExitStack, folder: str, tree: Tree) -> Iterator[tuple[str, Paced]]:
    for name, run, moment in (("Scaphandre", _scaphandre, 0.5), ("Alumet", _alumet, 0.8)):
        with suppress(MissingProgramError):
            yield name, Paced(stack.enter_context(run(_within(folder, tree))), moment)


def _within(folder: str, tree: Tree) -> Sequence[str]:
    """The command that runs another one where `tree`'s energy counters are the machine's."""
    sys = Path(mkdtemp(dir=folder))
    for place in ("class", "devices/virtual"):
        (sys / place).mkdir(parents=True)
        (sys / place / "powercap").symlink_to(tree.root / "sys/class/powercap")
    (sys / "devices/power/events").mkdir(parents=True)
    (sys / "devices/power/cpumask").write_text("0\n", encoding="ascii")
    return "unshare", "--mount", "sh", "-c", _SHOW, "sh", str(sys)


@contextmanager
def _scaphandre(within: Sequence[str]) -> Iterator[Program]:
    port = free_port()
    command = [*within, installed("scaphandre"), "prometheus", "--address", "127.0.0.1", "--port", str(port)]
    with started(command, port, "scaph_process_cpu") as program:
        yield program


@contextmanager
def _alumet(within: Sequence[str]) -> Iterator[Program]:
    port = free_port()
    with TemporaryDirectory(prefix="bench-") as folder:
        config = Path(folder, "alumet.toml")
        config.write_text(_ALUMET.format(port=port), encoding="utf-8")
        command = [*within, installed("alumet-agent"), "--config", str(config), "--no-default-config"]
        with started(
            [*command, "--plugins", "rapl,procfs,prometheus-exporter"], port, "rapl_consumed_energy"
        ) as program:
            yield program


def _figure(name: str, ours: Paced, theirs: Paced) -> Figure:
    cpu = ([seconds * 1e3 for seconds in each.cpu] for each in (ours, theirs))
    title = f"CPU of host and RAPL each second, with a scrape, beside {name}"
    return Figure("peers", title, "ms", *cpu, BARS[name], f"{ours.series} and {theirs.series} series")

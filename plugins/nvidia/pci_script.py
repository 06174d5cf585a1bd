"""Looks for sleeping GPUs on another machine, in the same command that runs nvidia-smi there."""

from __future__ import annotations

from collector_plugins.nvidia.pci import DEVICES, DRIVERS_GPUS, RUNTIME_D3, PciGpu, pci_gpu

_MARK = "energy-collector-gpu"

# For any POSIX shell: writes a line for each NVIDIA GPU, then runs its arguments, for those GPUs that are awake; not at
# all where every one sleeps. On one line and without single quotes, because a login shell of any kind passes it on.
_SCRIPT = (
    "s=; i=; "
    'for d in "$0"/*; do v=; c=; r=; p=; '
    '{ read -r v <"$d/vendor"; } 2>/dev/null; [ "$v" = 0x10de ] || continue; '
    '{ read -r c <"$d/class"; } 2>/dev/null; case $c in 0x03*) ;; *) continue;; esac; '
    '[ -e "$d/driver" ] && [ ! -e "$0/../drivers/nvidia/${d##*/}" ] && continue; '
    '{ read -r r <"$d/power/runtime_status"; } 2>/dev/null; '
    '{ read -r p <"$d/power/control"; } 2>/dev/null; '
    "case $r in suspended|suspending) s=1;; *) i=$i,${d##*/}; "
    "{ while read -r l; do "
    f'case $l in "{RUNTIME_D3}"*"Not supported"*|"{RUNTIME_D3}"*Disabled*) p=on;; esac; '
    f'done <"$0/../../../..{DRIVERS_GPUS}/${{d##*/}}/power"; }} 2>/dev/null;; esac; '
    f'echo "{_MARK} ${{d##*/}} ${{r:--}} ${{p:--}}"; done; '
    'if [ -n "$s" ]; then [ -n "$i" ] || exit 0; case "$*" in *" --query-"*) set -- "$@" "--id=${i#,}";; esac; fi; '
    'exec "$@"'
)


def command(*program: str, devices: str = DEVICES) -> tuple[str, ...]:
    """Runs `program` unless all GPUs below `devices` sleep."""
    return ("sh", "-c", _SCRIPT, devices, *program)


def split(text: str) -> tuple[str, tuple[PciGpu, ...]]:
    """What the program wrote, and the GPUs that were found."""
    found, others = [], []
    for line in text.splitlines(keepends=True):
        words = line.split()
        if len(words) == 4 and words[0] == _MARK:
            found.append(pci_gpu(*words[1:]))
        else:
            others.append(line)
    return "".join(others), tuple(found)

"""What the driver's errors mean, and what helps."""

from __future__ import annotations

from collector_core import Reason

LIBRARY = "libnvidia-ml.so.1"

RESET = "sudo nvidia-smi --gpu-reset   # or reboot"
HIDDEN_DEVICES = (
    "check /dev/nvidia*. In a container, restart it: `systemctl daemon-reload` on the host has changed its cgroup, and "
    "its devices are gone. To keep them, name each device node (--device /dev/nvidiactl --device /dev/nvidia0 …), use "
    "CDI (nvidia-ctk cdi generate), or set native.cgroupdriver=cgroupfs"
)

# nvmlReturn_t after which nothing more is to be had of a GPU, or of all, before NVML was initialised again.
BROKEN = {
    1: (Reason.NOT_FOUND, "NVML is no longer initialised", ""),
    9: (Reason.NOT_FOUND, "the NVIDIA driver is not loaded", "sudo modprobe nvidia   # dmesg says why it fails"),
    12: (Reason.NOT_FOUND, f"{LIBRARY} does not exist: no NVIDIA driver is installed", "install the NVIDIA driver"),
    15: (Reason.NOT_FOUND, "the GPU is lost", RESET),
    16: (Reason.NOT_FOUND, "the GPU must be reset", RESET),
    18: (
        Reason.NOT_SUPPORTED,
        "the NVIDIA library and the loaded driver have different versions",
        "restart energy-collector if the driver was upgraded, else reboot",
    ),
}

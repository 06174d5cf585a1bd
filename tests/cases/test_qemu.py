"""Which processes of a machine are guests."""

from collector_core.testing import Harness
from collector_plugins.qemu import Qemu, metrics


def test_qemu_that_is_and_is_no_guest(case):
    harness = Harness(Qemu, case("hw/qemu-that-is-and-is-no-guest") / "root", coefficients="off")
    harness.run()
    vcpus = {vm: number for (vm, _), number in harness.series(metrics.VM_VCPUS).items()}
    assert vcpus == {"sandbox-b1": 2}
    assert harness.value(metrics.VMS) == 1
    assert harness.part_failures == []
    harness.close()

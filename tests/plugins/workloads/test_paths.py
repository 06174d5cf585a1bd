"""What a control group's path says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_plugins.workloads.paths import workload_of

ID = "0123456789abcdef" * 4
UID = "11111111-2222-3333-4444-555555555555"
SYSTEMD_UID = UID.replace("-", "_")
HASH = "abcdef0123456789" * 2
HASH_UID = "abcdef01-2345-6789-abcd-ef0123456789"

FORMS = [
    ("/system.slice/cron.service", ("unit", "cron.service", "", "")),
    ("/system.slice/my\\x2dapp.service", ("unit", "my\\x2dapp.service", "", "")),
    ("/system.slice/system-getty.slice/getty@tty1.service", ("unit", "getty@tty1.service", "", "")),
    ("/init.scope", ("unit", "init.scope", "", "")),
    ("/system.slice/foo.service/worker", ("unit", "foo.service", "", "")),
    ("/system.slice", ("other", "other", "", "")),
    ("/process_api/0123", ("other", "other", "", "")),
    ("/user.slice/user-1000.slice/session-2.scope", ("session", "1000", "", "")),
    ("/user.slice/user-1000.slice/user@1000.service/app.slice/x.service", ("session", "1000", "", "")),
    (f"/system.slice/docker-{ID}.scope", ("container", ID, "", "docker")),
    (f"/docker/{ID}", ("container", ID, "", "docker")),
    (f"/docker/{ID}/system.slice/cron.service", ("container", ID, "", "docker")),
    (f"/docker/{ID}/kubelet/kubepods/burstable/pod{UID}/{'f' * 64}", ("container", ID, "", "docker")),
    (f"/machine.slice/libpod-{ID}.scope/container", ("container", ID, "", "podman")),
    (f"/machine.slice/libpod-conmon-{ID}.scope", ("container", ID, "", "podman")),
    (f"/libpod_parent/libpod-{ID}", ("container", ID, "", "podman")),
    (f"/system.slice/cri-containerd-{ID}.scope", ("container", ID, "", "containerd")),
    (f"/k8s.io/{ID}", ("container", ID, "", "containerd")),
    (f"/system.slice/crio-{ID}.scope", ("container", ID, "", "cri-o")),
    (f"/user.slice/user-7.slice/user@7.service/user.slice/libpod-{ID}.scope", ("container", ID, "", "podman")),
    (
        f"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{SYSTEMD_UID}.slice/cri-containerd-{ID}.scope",
        ("pod", UID, "", ""),
    ),
    (f"/kubepods/besteffort/pod{UID}/{ID}", ("pod", UID, "", "")),
    (f"/kubepods.slice/kubepods-pod{HASH}.slice", ("pod", HASH_UID, "", "")),
    ("/kubepods.slice/kubepods-burstable.slice", ("other", "other", "", "")),
    ("/slurm/uid_1001/job_42/step_0/task_1", ("slurm", "42", "0", "")),
    ("/slurm_node7/uid_1001/job_42/step_batch", ("slurm", "42", "batch", "")),
    ("/system.slice/slurmstepd.scope/job_42/step_extern/user", ("slurm", "42", "extern", "")),
    ("/system.slice/n7_slurmstepd.scope/job_42", ("slurm", "42", "", "")),
    ("/system.slice/slurmstepd.scope", ("unit", "slurmstepd.scope", "", "")),
    (f"/slurm/uid_1/job_42/step_0/docker-{ID}.scope", ("slurm", "42", "0", "")),
    ("/lxc.payload.web/system.slice/nginx.service", ("container", "web", "", "lxc")),
    ("/lxc/101/ns", ("container", "101", "", "lxc")),
    ("/lxc.monitor.web", ("other", "other", "", "")),
    ("/machine.slice/systemd-nspawn@my\\x2dbox.service/payload", ("container", "my-box", "", "nspawn")),
    ("/machine.slice/machine-my\\x2dbox.scope", ("container", "my-box", "", "nspawn")),
    ("/machine.slice/machine-lxc\\x2d77\\x2dweb.scope", ("container", "web", "", "lxc")),
    ("/machine.slice/machine-qemu\\x2d3\\x2dweb\\x2d01.scope/libvirt/vcpu0", ("guest", "web-01", "", "")),
    ("/machine/qemu-3-web.libvirt-qemu/emulator", ("guest", "web", "", "")),
    ("/qemu.slice/100.scope", ("guest", "100", "", "")),
    ("/system.slice/job_42", ("other", "other", "", "")),
]


@pytest.mark.parametrize(("path", "expected"), FORMS)
def test_a_path_tells_the_workload(path, expected):
    assert workload_of(path)[:4] == expected


@pytest.mark.parametrize(
    ("path", "slice_"),
    [
        ("/system.slice/system-getty.slice/getty@tty1.service", "system-getty.slice"),
        (f"/docker/{ID}", ""),
        (
            f"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{SYSTEMD_UID}.slice",
            "kubepods-burstable.slice",
        ),
    ],
)
def test_the_nearest_slice_above_is_told(path, slice_):
    assert workload_of(path).slice == slice_


def test_the_user_of_a_job_of_version_1_is_in_the_path():
    assert workload_of("/slurm/uid_1001/job_42/step_0").uid == "1001"


@given(
    st.lists(
        st.sampled_from(["a.service", "docker", ID, f"pod{UID}", "user-1.slice", "slurm", "job_1", "step_x", "x.slice"])
        | st.text(alphabet=st.characters(exclude_characters="/", exclude_categories=()), min_size=1, max_size=8),
        max_size=6,
    )
)
def test_whatever_a_path_is_it_belongs_to_one_workload(parts):
    path = "/" + "/".join(parts)
    found = workload_of(path)
    assert found.id
    "".join(found).encode()
    if found.kind in ("container", "pod", "guest"):
        assert workload_of(f"{path}/a.service") == found

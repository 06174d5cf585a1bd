"""Names from runtimes and the kubelet, and what they cost when they misbehave."""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path

import pytest
from pydantic import ValidationError

from collector_plugins.workloads import metrics, name_lookup
from collector_plugins.workloads.config import Config
from tests.plugins.workloads.conftest import Host
from tests.plugins.workloads.runtime_servers import cri, docker, kubelet

IDLE = {"cpu": 20.0, "dram": 5.0}
ID, UID = "c" * 64, "11111111-2222-3333-4444-555555555555"
CONTAINER = f"/system.slice/docker-{ID}.scope"
POD = f"/kubepods.slice/kubepods-pod{UID.replace('-', '_')}.slice"
LISTED = [{"Id": ID, "Names": ["/web"], "Image": "nginx:1.27"}]


@pytest.fixture
def host():
    """Below a short path, as the addresses of sockets must be."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        yield Host(Path(folder) / "r")


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    """A busy machine's servers have time for their answer; only the deadline ends a run that waits for one."""
    monkeypatch.setattr(name_lookup, "PATIENCE_SECONDS", 60.0)


def spend(started, host, group):
    host.spend(group, 5)
    started.run()


@pytest.mark.parametrize("socket", ["run/docker.sock", "run/podman/podman.sock"])
def test_a_container_has_the_name_and_image_that_its_runtime_tells(site, host, socket):
    host.make(CONTAINER)
    with docker(host.root / socket, {"/containers/json": LISTED}) as server:
        started = site(idle_watts=IDLE)
        spend(started, host, CONTAINER)
        spend(started, host, CONTAINER)
        assert len(server.requests) == 1, "only for somebody new"
    assert started.joules() == {("container", "web", "", ""): pytest.approx(1600)}
    info = started.workloads.series(metrics.INFO)
    assert ("container", "web", "", "nginx:1.27", "docker", "", "", "system.slice") in info


def test_a_name_is_known_after_the_runtime_has_gone_and_after_a_restart(site, host):
    host.make(CONTAINER)
    with docker(host.root / "run/docker.sock", {"/containers/json": LISTED}):
        started = site(idle_watts=IDLE)
        spend(started, host, CONTAINER)
    spend(started, host, CONTAINER)
    started.end()
    started.workloads = started.start()
    spend(started, host, CONTAINER)
    assert set(started.joules()) == {("container", "web", "", "")}


@pytest.mark.parametrize("socket", ["run/containerd/containerd.sock", "run/crio/crio.sock"])
def test_cri_tells_containers_and_pods(site, host, socket):
    group = f"/system.slice/cri-containerd-{ID}.scope"
    host.make(group)
    host.make(POD)
    many = [(f"{number:064x}", f"other-{number}", "busybox") for number in range(2000)]
    with cri(host.root / socket, containers=[*many, (ID, "web", "nginx:1.27")], pods=[(UID, "api-0", "prod")]):
        started = site(idle_watts=IDLE)
        spend(started, host, group)
        spend(started, host, POD)
    assert started.joules() == {
        ("container", "web", "", ""): pytest.approx(800),
        ("pod", "api-0", "prod", ""): pytest.approx(800),
    }
    runtime = "cri-o" if "crio" in socket else "containerd"
    assert ("pod", "api-0", "prod", "", runtime, "", "", "kubepods.slice") in started.workloads.series(metrics.INFO)


@pytest.mark.parametrize(
    ("references", "owner"),
    [
        ([{"kind": "ReplicaSet", "name": "api-5d9c7b", "controller": True}], "Deployment/api"),
        ([{"kind": "ReplicaSet", "name": "by-hand", "controller": True}], "ReplicaSet/by-hand"),
        ([{"kind": "Node", "name": "n"}, {"kind": "StatefulSet", "name": "db", "controller": True}], "StatefulSet/db"),
        ([], ""),
        (None, ""),
    ],
)
def test_the_kubelet_tells_names_and_owners(site, host, references, owner):
    metadata = {
        "uid": UID,
        "name": "api-5d9c7b-x2x9z",
        "namespace": "prod",
        "labels": {"pod-template-hash": "5d9c7b"},
        "ownerReferences": references,
    }
    pods = {"kind": "PodList", "items": [{"metadata": metadata, "spec": {"containers": [{"image": "api:3"}]}}]}
    host.make(POD)
    with kubelet(pods) as server:
        url = f"http://127.0.0.1:{server.server_address[1]}"
        started = site(idle_watts=IDLE, kubelet={"url": url, "token": "secret"})
        spend(started, host, POD)
        assert server.requests == [("/pods", "Bearer secret")]
    assert started.joules() == {("pod", "api-5d9c7b-x2x9z", "prod", ""): pytest.approx(800)}
    info = started.workloads.series(metrics.INFO)
    assert ("pod", "api-5d9c7b-x2x9z", "prod", "api:3", "", owner, "", "kubepods.slice") in info


def test_a_token_that_the_kubelet_no_longer_takes_is_read_anew(site, host, tmp_path):
    file = tmp_path / "token"
    file.write_text("old\n")
    pods = {"kind": "PodList", "items": [{"metadata": {"uid": UID, "name": "api-0", "namespace": "prod"}}]}
    host.make(POD)
    with kubelet(401) as server:
        url = f"http://127.0.0.1:{server.server_address[1]}"
        started = site(idle_watts=IDLE, kubelet={"url": url, "token_file": file})
        spend(started, host, POD)
        server.answers["/pods"] = pods
        file.write_text("new\n")
        started.clock.advance(name_lookup.LONGEST_PAUSE_SECONDS)
        spend(started, host, POD)
    assert server.requests == [("/pods", "Bearer old"), ("/pods", "Bearer new")]
    assert set(started.joules()) == {("pod", "api-0", "prod", "")}


def test_a_token_file_that_is_not_there_costs_nothing_but_the_names(site, host, tmp_path):
    host.make(POD)
    with kubelet({}) as server:
        url = f"http://127.0.0.1:{server.server_address[1]}"
        started = site(idle_watts=IDLE, kubelet={"url": url, "token_file": tmp_path / "token"})
        spend(started, host, POD)
    assert server.requests == []
    assert set(started.joules()) == {("pod", UID, "", "")}


def test_there_is_one_token(tmp_path):
    with pytest.raises(ValidationError, match="either `token` or `token_file`"):
        Config(kubelet={"token": "x", "token_file": tmp_path / "token"})


@pytest.mark.parametrize(
    "answer",
    [
        None,
        b"not JSON",
        {"message": "no"},
        [{"Id": 5, "Names": ["/x"]}, 7, {"Id": ID}, {"Id": ID, "Names": "web"}, {"Id": ID, "Names": [None]}],
        [{"Id": "f" * 64, "Names": ["/of-somebody-else"]}],
    ],
)
def test_a_runtime_that_lies_costs_nothing_but_the_name(site, host, answer):
    host.make(CONTAINER)
    with docker(host.root / "run/docker.sock", {"/containers/json": answer}):
        started = site(idle_watts=IDLE)
        spend(started, host, CONTAINER)
    assert started.joules() == {("container", "c" * 12, "", ""): pytest.approx(800)}


def test_a_runtime_that_hangs_holds_nobody_up(site, host):
    host.make(CONTAINER)
    host.make(POD)
    release = threading.Event()
    with (
        docker(host.root / "run/docker.sock", {"/containers/json": release}),
        cri(host.root / "run/crio/crio.sock", pods=[(UID, "api-0", "prod")]),
    ):
        started = site(idle_watts=IDLE)
        spend(started, host, CONTAINER)
        spend(started, host, POD)
        started.end()
        release.set()
    assert set(started.joules()) == {("container", "c" * 12, "", ""), ("pod", "api-0", "prod", "")}


def test_a_socket_that_speaks_another_protocol_costs_nothing_but_the_name(site, host):
    host.make(CONTAINER)
    with docker(host.root / "run/crio/crio.sock", {}):
        started = site(idle_watts=IDLE)
        spend(started, host, CONTAINER)
    assert started.joules() == {("container", "c" * 12, "", ""): pytest.approx(800)}


def test_a_cri_without_the_version_costs_nothing_but_the_name(site, host):
    host.make(POD)
    with cri(host.root / "run/crio/crio.sock") as server:
        server.answers.clear()
        started = site(idle_watts=IDLE)
        spend(started, host, POD)
    assert set(started.joules()) == {("pod", UID, "", "")}


def test_nobody_is_asked_where_runtimes_are_off(site, host):
    host.make(CONTAINER)
    with docker(host.root / "run/docker.sock", {"/containers/json": LISTED}) as server:
        started = site(idle_watts=IDLE, runtimes="off")
        spend(started, host, CONTAINER)
        assert server.requests == []


def test_sockets_of_ones_own_are_asked(site, host):
    host.make(CONTAINER)
    socket = host.root / "mine.sock"
    with docker(socket, {"/containers/json": LISTED}):
        started = site(idle_watts=IDLE, runtimes=[str(socket)])
        spend(started, host, CONTAINER)
    assert started.named("web") == pytest.approx(800)


def test_a_token_goes_nowhere_unencrypted():
    for url in ("http://10.0.0.1:10250", "ftp://127.0.0.1", "10.0.0.1"):
        with pytest.raises(ValidationError, match="https"):
            Config(kubelet={"url": url, "token": "x"})
    assert Config(kubelet={}).kubelet.url == "https://127.0.0.1:10250"

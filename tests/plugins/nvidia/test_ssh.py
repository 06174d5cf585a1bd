"""GPUs read over ssh from real servers: good, refusing, unknown, changed, frozen and slow ones."""

from __future__ import annotations

import platform
import subprocess
import time

import psutil
import pytest

from collector_core.testing import Harness
from collector_plugins.nvidia import Nvidia, metrics
from tests.plugins.nvidia.conftest import PATIENT


@pytest.fixture
def cluster(collector_harness):
    """A harness over hosts: `cluster(good=server, other={…})`; interval and timeout in seconds."""

    def make(interval=2.0, timeout=None, **hosts):
        listed = [{"name": name, **getattr(host, "options", host)} for name, host in hosts.items()]
        waiting = PATIENT if timeout is None else {"timeout": timeout}
        return collector_harness(Nvidia, local="off", hosts=listed, interval=interval, **waiting)

    return make


def up(harness):
    return {host: value for (host, _), value in harness.series(metrics.HOST_UP).items()}


def reasons(harness):
    return {host: reason for host, _, reason in harness.series(metrics.HOST_UNAVAILABLE)}


def errors(harness):
    return {part.labels["host"]: part.error for part in harness.part_failures}


def test_a_host_is_read_over_one_connection_that_stays(cluster, sshd):
    server, smi = sshd("good")
    harness = cluster(good=server)
    for _ in range(4):
        harness.run(advance=2)
    assert harness.value(metrics.POWER, host="good", gpu="0", uuid="GPU-0") == 100.5
    assert harness.value(metrics.ENERGY, host="good", gpu="0", uuid="GPU-0") == pytest.approx(603)
    assert up(harness) == {"good": 1}
    assert harness.value(metrics.HOST_CONNECTIONS, host="good") == 1
    assert len(smi.calls) == 5
    assert harness.part_failures == []


def test_watts_of_all_hosts_add_up(cluster, sshd):
    (one, its_smi), (two, other_smi) = sshd("one"), sshd("two")
    its_smi.has({"power.draw": 100}, {"power.draw": 50.5})
    other_smi.has({"power.draw": 300})
    harness = cluster(one=one, two=two)
    harness.run()
    assert harness.value(metrics.CLUSTER_POWER) == 450.5
    assert sum(harness.series(metrics.POWER).values()) == 450.5
    assert harness.value(metrics.HOSTS_REPORTING) == 2


def test_a_host_that_refuses_connections_costs_the_others_nothing(cluster, sshd):
    (good, _), (refusing, _) = sshd("good"), sshd("refusing")
    refusing.stop()
    harness = cluster(good=good, refusing=refusing)
    harness.run()
    assert up(harness) == {"good": 1, "refusing": 0}
    assert reasons(harness) == {"refusing": "unreachable"}
    assert (harness.value(metrics.HOSTS), harness.value(metrics.HOSTS_REPORTING)) == (2, 1)
    assert harness.value(metrics.CLUSTER_POWER) is None, "a sum without one of them would look like the whole"
    assert "refused" in str(errors(harness)["refusing"]).lower()


def test_a_name_that_nobody_knows_is_unreachable(cluster, sshd):
    server, _ = sshd("good")
    harness = cluster(good=server, gone={**server.options, "address": "no-such-host.invalid"})
    harness.run()
    assert up(harness) == {"good": 1, "gone": 0}
    assert reasons(harness) == {"gone": "unreachable"}


def test_an_unknown_host_key_is_refused_and_the_command_that_accepts_it_is_told(cluster, sshd):
    server, smi = sshd("new")
    server.known_hosts.write_text("")
    harness = cluster(new=server)
    harness.run()
    assert (up(harness), reasons(harness)) == ({"new": 0}, {"new": "auth"})
    error = errors(harness)["new"]
    fingerprint = subprocess.run(
        ["ssh-keygen", "-l", "-f", server.folder / "host_key.pub"], capture_output=True, text=True, check=True
    ).stdout.split()[1]
    assert error.detail == f"the host key of 127.0.0.1 is not in {server.known_hosts}: {fingerprint}"
    assert error.fix.startswith(
        f"ssh -o UserKnownHostsFile={server.known_hosts} -p {server.port} {server.user}@127.0.0.1"
    )
    assert smi.calls == []
    accept = error.fix.split("   #")[0].replace(
        "ssh ", f"ssh -o StrictHostKeyChecking=accept-new -i {server.identity} ", 1
    )
    subprocess.run(accept.split(), check=True, capture_output=True)
    harness.run(advance=60)
    assert up(harness) == {"new": 1}


def test_a_known_hosts_file_that_does_not_exist_trusts_nobody(cluster, sshd, tmp_path):
    server, _ = sshd("new")
    harness = cluster(new={**server.options, "known_hosts": str(tmp_path / "missing")})
    harness.run()
    assert reasons(harness) == {"new": "auth"}


def test_a_changed_host_key_is_refused_and_told_from_an_unknown_one(cluster, sshd):
    server, smi = sshd("new")
    server.stop()
    server.change_host_key()
    server.start()
    harness = cluster(new=server)
    harness.run()
    assert (up(harness), reasons(harness)) == ({"new": 0}, {"new": "auth"})
    error = errors(harness)["new"]
    assert "is not the one in" in error.detail
    assert f"ssh-keygen -R '[127.0.0.1]:{server.port}' -f {server.known_hosts}" in error.fix
    assert smi.calls == []


def test_a_host_that_takes_no_key_of_ours_says_how_to_give_it_one(cluster, sshd):
    server, _ = sshd("closed")
    other = sshd("other")[0].identity
    harness = cluster(closed={**server.options, "identity_file": str(other)})
    harness.run()
    assert reasons(harness) == {"closed": "auth"}
    assert errors(harness)["closed"].fix == f"ssh-copy-id -i {other} -p {server.port} {server.user}@127.0.0.1"


def test_no_password_is_ever_offered(cluster, sshd, monkeypatch):
    server, _ = sshd("closed")
    (server.identity.with_suffix(".pub")).write_text("")
    harness = cluster(closed=server)
    harness.run()
    assert reasons(harness) == {"closed": "auth"}
    assert "password" not in (server.folder / "log").read_text().lower()


def test_a_key_of_the_agent_is_enough(cluster, sshd, monkeypatch, tmp_path):
    server, _ = sshd("good")
    socket = tmp_path / "agent"
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", socket], stdout=subprocess.DEVNULL)
    try:
        while not socket.exists():
            time.sleep(0.01)
        monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
        monkeypatch.setenv("HOME", str(tmp_path))
        subprocess.run(["ssh-add", "-q", server.identity], check=True)
        harness = cluster(good={key: value for key, value in server.options.items() if key != "identity_file"})
        harness.run()
        assert up(harness) == {"good": 1}
    finally:
        agent.terminate()
        agent.wait()


@pytest.mark.parametrize(
    ("file", "content", "reason"),
    [
        ("identity_file", None, "not_found"),
        ("identity_file", "no key at all\n", "bad_data"),
        ("known_hosts", "example.org ssh-ed25519 AAAA!!!!\n\x00\xff", "bad_data"),
    ],
)
def test_files_that_cannot_be_used_are_named(cluster, sshd, tmp_path, file, content, reason):
    server, _ = sshd("good")
    if content is not None:
        (tmp_path / "odd").write_bytes(content.encode("latin-1"))
    harness = cluster(good={**server.options, file: str(tmp_path / "odd")})
    harness.run()
    assert reasons(harness) == {"good": reason}
    assert str(tmp_path / "odd") in str(errors(harness)["good"])


def test_a_frozen_host_is_told_at_the_deadline_and_the_good_one_is_not_held_up(cluster, sshd, eventually):
    (good, _), (frozen, _) = sshd("good"), sshd("frozen")
    harness = cluster(good=good, frozen=frozen, interval=1.0, timeout=1.5)
    harness.run()
    assert up(harness) == {"good": 1, "frozen": 1}
    frozen.freeze()

    def step():
        harness.run(advance=1)
        assert harness.value(metrics.POWER, host="good", gpu="0", uuid="GPU-0") == 100.5
        return up(harness)["frozen"] == 0

    eventually(step)
    assert reasons(harness) == {"frozen": "timeout"}
    assert "no answer" in str(errors(harness)["frozen"])
    assert "while running nvidia-smi" in str(errors(harness)["frozen"])


def test_the_connection_to_a_host_that_hung_is_dropped_and_not_used_again(cluster, sshd, eventually):
    server, _ = sshd("host")
    harness = cluster(host=server, interval=0.5, timeout=0.6)
    harness.run()
    server.freeze()

    def timed_out():
        harness.run(advance=0.5)
        return "no answer within" in str(errors(harness).get("host"))

    eventually(timed_out)
    server.thaw()
    eventually(lambda: harness.run(advance=60) and up(harness) == {"host": 1})
    assert harness.value(metrics.HOST_CONNECTIONS, host="host") == 2


def test_a_host_that_fails_is_left_alone_for_ever_longer_times_and_shown_as_down_meanwhile(cluster, sshd):
    server, smi = sshd("host")
    smi.say(text="nonsense", exit=1)
    harness = cluster(host=server, interval=2.0)
    tries = []
    for number in range(40):
        harness.run(advance=2)
        assert reasons(harness) == {"host": "bad_data"}
        if len(smi.calls) > 2 * len(tries):  # what it knows, then the values
            tries.append(number)
    assert tries == [0, 1, 3, 7, 15, 31]


def test_a_host_that_was_frozen_from_the_start_hangs_while_keys_are_exchanged(cluster, sshd, eventually):
    frozen, _ = sshd("frozen")
    frozen.freeze()
    harness = cluster(frozen=frozen, interval=0.5, timeout=0.6)

    def error():
        harness.run()
        return str(errors(harness)["frozen"])

    eventually(lambda: error() == "no answer within 0.6 s, while exchanging keys")


def test_a_host_that_comes_back_is_connected_to_again_and_goes_on_from_its_joules(cluster, sshd, eventually):
    server, _ = sshd("host")
    harness = cluster(host=server)
    harness.run()
    harness.run(advance=2)
    server.stop()
    harness.run(advance=2)
    assert up(harness) == {"host": 0}
    server.start()
    harness.run(advance=60)
    assert up(harness) == {"host": 1}
    assert harness.value(metrics.HOST_CONNECTIONS, host="host") == 2
    assert harness.value(metrics.ENERGY, host="host", gpu="0", uuid="GPU-0") == pytest.approx(201)
    assert harness.value(metrics.ENERGY_GAPS, host="host", gpu="0", uuid="GPU-0") == 1


def test_a_slow_host_is_shown_when_it_answers_and_holds_up_nobody(cluster, sshd, eventually):
    (good, _), (slow, smi) = sshd("good"), sshd("slow")
    smi.say(sleep=0.7)
    harness = cluster(good=good, slow=slow, interval=0.5, timeout=5.0)
    harness.run()
    assert up(harness) == {"good": 1, "slow": 0}
    assert reasons(harness) == {"slow": "timeout"}

    def step():
        harness.run(advance=0.5)
        return up(harness) == {"good": 1, "slow": 1}

    eventually(step)


def test_a_command_that_hangs_leaves_no_process_behind_on_the_host(cluster, sshd, eventually):
    server, smi = sshd("host")
    smi.say(sleep=600)
    harness = cluster(host=server, interval=0.5, timeout=1.0)

    def error():
        harness.run()
        return "no answer within" in str(errors(harness)["host"]) or "did not end" in str(errors(harness)["host"])

    eventually(error)
    pid = int(smi.calls[0].split()[0])
    eventually(lambda: not psutil.pid_exists(pid))


def test_the_banner_of_a_login_shell_does_not_disturb(cluster, sshd):
    server, smi = sshd("chatty")
    smi.say(before="*** Welcome to chatty, have a nice day ***\nLast login: never\n\n")
    harness = cluster(chatty=server)
    harness.run()
    assert harness.value(metrics.POWER, host="chatty", gpu="0", uuid="GPU-0") == 100.5
    assert harness.part_failures == []


def test_a_host_without_nvidia_smi_says_so(cluster, sshd):
    server, smi = sshd("bare")
    (smi.folder / "nvidia-smi").unlink()
    harness = cluster(bare=server)
    harness.run()
    assert reasons(harness) == {"bare": "not_found"}
    assert "nvidia-smi cannot be run" in str(errors(harness)["bare"])


def test_a_host_that_floods_is_cut_off(cluster, sshd, eventually):
    server, smi = sshd("loud")
    smi.say(flood=True)
    harness = cluster(loud=server)
    harness.run()
    assert errors(harness)["loud"].detail == "nvidia-smi wrote more than 4 MiB"
    pid = int(smi.calls[0].split()[0])
    eventually(lambda: not psutil.pid_exists(pid))


def test_a_configured_limit_takes_the_place_of_the_drivers(cluster, sshd):
    server, _ = sshd("host")
    harness = cluster(host={**server.options, "power_limit_watts": 201})
    harness.run()
    gpu = {"host": "host", "gpu": "0", "uuid": "GPU-0"}
    assert harness.value(metrics.POWER_LIMIT, **gpu) == 201
    assert harness.value(metrics.POWER_LIMIT_USAGE, **gpu) == 0.5


def test_a_machine_without_gpus_is_no_fault_beside_hosts_that_have_some(collector_harness, sshd, nvml):
    server, _ = sshd("host")
    nvml.has(0)
    harness = collector_harness(Nvidia, hosts=[{"name": "host", **server.options}])
    harness.run()
    assert up(harness) == {"host": 1}
    assert harness.part_failures == []


def test_a_machine_that_lists_itself_is_read_once(collector_harness, sshd, nvml):
    server, _ = sshd("host")
    harness = collector_harness(Nvidia, hosts=[{"name": platform.node(), **server.options}])
    harness.run()
    assert harness.series(metrics.HOST_UP) == {(platform.node(), "ssh"): 1}


def test_closing_hangs_up(collector_harness, sshd, eventually):
    server, _ = sshd("host")
    harness = Harness(Nvidia, local="off", hosts=[{"name": "host", **server.options}])
    harness.run()
    assert server.sessions() > 0
    harness.close()
    eventually(lambda: server.sessions() == 0)


def test_a_host_that_goes_and_comes_again_and_again_leaves_nothing_open(cluster, sshd):
    server, _ = sshd("host")
    harness = cluster(host=server)
    harness.run()
    before = psutil.Process().num_fds()
    for _ in range(5):
        server.stop()
        harness.run(advance=2)
        server.start()
        harness.run(advance=400)
        assert up(harness) == {"host": 1}
    assert psutil.Process().num_fds() == before

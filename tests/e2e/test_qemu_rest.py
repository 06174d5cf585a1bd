"""The whole program on a /proc of files: the worked example over HTTP, bad options, reloads."""

import threading
import time

import pytest

OPTIONS = "coefficients: [10, 10], cinergy_ratio: 0.75, server_cores: 16, pue: 1.3, emission_factor: 50"


class Guest(threading.Thread):
    """A guest of four vCPUs that uses so many cores."""

    def __init__(self, root, cores):
        super().__init__(daemon=True)
        self.folder = root / "proc/4001"
        self.folder.mkdir(parents=True)
        (self.folder / "cmdline").write_bytes(b"/usr/bin/kvm\0-name\0guest=web\0-smp\0004\0")
        self.cores = cores
        self.began = time.monotonic()
        self.stopped = threading.Event()
        self.write()
        self.start()

    def run(self):
        while not self.stopped.wait(0.002):
            self.write()

    def write(self):
        ticks = int((time.monotonic() - self.began) * self.cores * 100)
        new = self.folder / "stat.new"
        new.write_text(f"4001 (kvm) S 1 {'0 ' * 9}{ticks} 0 0 0 20 0 5 0 1000 {'0 ' * 30}\n")
        new.replace(self.folder / "stat")


@pytest.fixture
def root(tmp_path):
    """A machine with a guest held at one and a half cores, as exactly as a busy machine lets a thread write it down."""
    guest = Guest(tmp_path / "root", 1.5)
    yield tmp_path / "root"
    guest.stopped.set()
    guest.join(5)


def watts(answer):
    return {key: value for key, value in answer.items() if key.endswith("_watts")}


@pytest.mark.parametrize("source", ["options", "cinergys file"])
def test_the_worked_example(collector, root, tmp_path, eventually, source):
    options = OPTIONS
    if source == "cinergys file":
        options = "env_file: .env"
        text = "REG_COEFF=10,0.1\nPORT=8080\nCINERGY_RATIO=0.75\nSERVER_CORES=16\nDC_PUE=1.3\nEMISSION_FACTOR=50.0\n"
        (tmp_path / ".env").write_text(text)
    program = collector(f"collectors: {{qemu: {{options: {{{options}}}}}}}", "--root", root)
    eventually(lambda: program.request("/power?vm=web").status == 200)
    power, carbon = program.request("/power?vm=web").json, program.request("/carbon?vm=web").json
    unit = 100 if source == "cinergys file" else 1
    assert power["cpu_usage"] == pytest.approx(1.5 * unit, rel=0.25)
    assert [power[key] for key in ("vm", "vm_cores", "server_cores", "cinergy_ratio")] == ["web", 4, 16, 0.75]
    dynamic = 7.5 * power["cpu_usage"] / unit
    assert watts(power) == pytest.approx(
        {"static_power_watts": 2.5, "dynamic_power_watts": dynamic, "total_power_watts": 2.5 + dynamic}
    )
    assert power["total_power_watts"] == pytest.approx(13.75, rel=0.25)
    assert carbon["carbon_intensity_gco2_per_hour"] == pytest.approx(carbon["power_watts"] * 0.065)
    assert carbon["carbon_intensity_gco2_per_hour"] == pytest.approx(0.89375, rel=0.25)
    assert ("cinergy served on port 8080" in program.log) is (source == "cinergys file")
    for path, status in (("/power", 400), ("/power?vm=", 400), ("/carbon?vm=x", 404), ("/api/v1/vms/x", 404)):
        answer = program.request(path)
        assert (answer.status, answer.headers["Content-Type"]) == (status, "application/json; charset=utf-8")
        assert answer.json["error"]
    assert program.request("/power?vm=web", method="POST").status == 405


def test_routes_go_and_come_back_with_the_collector(collector, root, tmp_path, eventually):
    program = collector(f"collectors: {{qemu: {{options: {{{OPTIONS}}}}}}}", "--root", root)
    eventually(lambda: program.request("/power?vm=web").status == 200)
    (tmp_path / "config.yaml").write_text("collectors: {system: {}}")
    assert program.request("/-/reload", method="POST").status == 200
    assert program.request("/power?vm=web").status == 404
    assert program.request("/api/v1/vms").json["error"] == "Not Found"
    (tmp_path / "config.yaml").write_text(f"collectors: {{qemu: {{options: {{{OPTIONS.replace('0.75', '1')}}}}}}}")
    assert program.request("/-/reload", method="POST").status == 200
    answer = eventually(lambda: (answer := program.request("/power?vm=web")).status == 200 and answer)
    assert answer.json["cinergy_ratio"] == 1


def test_two_collectors_that_offer_one_path_end_the_start(command, root, tmp_path):
    file = tmp_path / "config.yaml"
    file.write_text(f"collectors: {{qemu: {{options: {{{OPTIONS}}}}}, more: {{plugin: qemu, options: {{{OPTIONS}}}}}}}")
    done = command("run", "--config", file, "--root", root, "--listen", "127.0.0.1:0")
    assert done.returncode == 2
    assert "GET /power is offered by collector qemu and by collector more" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("options", "key", "reason"),
    [
        ("", "coefficients", "no coefficients"),
        ("coefficients: []", "coefficients", "no coefficients"),
        ("coefficients: [-1, 2]", "coefficients", "f(0), the power of the idle host, is negative"),
        ("coefficients: [10, -2]", "coefficients", "f falls with load"),
        ("coefficients: [10], cinergy_ratio: 1.5", "cinergy_ratio", "less than or equal to 1"),
        ("coefficients: [10], pue: 0.9", "pue", "greater than or equal to 1"),
        ("coefficients: [10], emission_factor: -5", "emission_factor", "greater than or equal to 0"),
        ("env_file: missing.env", "env_file", "missing.env: No such file"),
    ],
)
@pytest.mark.parametrize("name", ["run", "check"])
def test_bad_options_end_the_start_with_key_and_reason(command, free_port, tmp_path, name, options, key, reason):
    file = tmp_path / "config.yaml"
    file.write_text(f"collectors:\n  qemu:\n    options: {{{options}}}\n")
    address = ("--listen", f"127.0.0.1:{free_port()}") if name == "run" else ()
    done = command(name, "--config", file, *address)
    assert done.returncode == 2
    assert f":3: collectors.qemu.options.{key}: " in done.stderr
    assert reason in done.stderr
    assert "Traceback" not in done.stderr


def test_without_a_file_doctor_says_what_to_do(command, root):
    done = command("doctor", "--root", root)
    assert "absent  qemu: 1 QEMU guests run here, and no model says what the host draws" in done.stdout
    assert "energy-collector calibrate qemu" in done.stdout

"""What deploy/ promises: units that systemd takes and that are shut tight, paths that exist, no capability."""

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from urllib.parse import urlsplit

import click
import pytest
import yaml
from packaging.requirements import Requirement

from collector_core.cli.group import cli
from collector_core.config import settings as configuration
from collector_core.config import yamlfile
from collector_core.plugins.discovery import discover

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
SYSTEMD = DEPLOY / "systemd"
SERVICES = sorted(SYSTEMD.glob("*.service"))
MOST_EXPOSURE = 2.5
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
KUBERNETES = {each["kind"]: each for each in yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text())}

each_service = pytest.mark.parametrize("service", SERVICES, ids=lambda file: file.name)


def run(*command):
    program = shutil.which(command[0])
    if program is None:
        message = f"{command[0]} is not installed: python tests/services.py install"
        (pytest.fail if os.environ.get("REQUIRE_SERVICES") else pytest.skip)(message)
    done = subprocess.run([program, *map(str, command[1:])], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@each_service
def test_a_service_is_shut_tight(service):
    code, report = run("systemd-analyze", "security", "--offline=yes", service)
    assert code == 0, report
    score = float(re.search(r"Overall exposure level for \S+: ([\d.]+)", report)[1])
    assert score < MOST_EXPOSURE, report


def test_systemd_takes_the_units(tmp_path):
    """With /bin/true for our program, which need not be installed where the tests run."""
    for file in (*SERVICES, *SYSTEMD.glob("*.timer")):
        text = re.sub(r"(?m)^ExecStart=\S+", "ExecStart=/bin/true", file.read_text())
        (tmp_path / file.name).write_text(text)
    code, report = run("systemd-analyze", "verify", "--man=no", *sorted(tmp_path.iterdir()))
    ours = [line for line in report.splitlines() if "energy-collector" in line]
    assert (code, ours) == (0, []), report


@each_service
def test_a_service_has_no_capability_and_its_own_user(service):
    lines = service.read_text().splitlines()
    assert "CapabilityBoundingSet=" in lines
    assert "User=energy-collector" in lines
    assert not [line for line in lines if line.startswith("AmbientCapabilities=") and line != "AmbientCapabilities="]


def test_the_commands_of_the_services_are_ours(command_names):
    for service in SERVICES:
        program, command, *options = re.search(r"(?m)^ExecStart=(.*)$", service.read_text())[1].split()
        assert program == "/opt/energy-collector/bin/energy-collector"
        known = command_names(command)
        assert {option for option in options if option.startswith("--")} <= known


@pytest.fixture
def command_names():
    """The options of one of our commands."""

    def options(name):
        command = cli.get_command(click.Context(cli), name)
        return {option for parameter in command.params for option in parameter.opts}

    return options


def test_a_user_is_made_whose_group_the_rules_give_the_counters_to():
    users = (SYSTEMD / "energy-collector.sysusers").read_text()
    assert re.search(r"(?m)^g rapl ", users)
    assert re.search(r"(?m)^u energy-collector ", users)
    assert re.search(r"(?m)^m energy-collector rapl$", users)
    assert "chgrp rapl" in (SYSTEMD / "70-energy-collector-rapl.rules").read_text()
    for line in (SYSTEMD / "energy-collector-rapl.tmpfiles").read_text().splitlines():
        assert line.startswith("#") or line.split()[2:5] == ["0440", "root", "rapl"]


def test_sysusers_and_tmpfiles_take_their_files(tmp_path):
    (tmp_path / "etc").mkdir()
    code, report = run("systemd-sysusers", f"--root={tmp_path}", SYSTEMD / "energy-collector.sysusers")
    assert code == 0, report
    assert "energy-collector:" in (tmp_path / "etc/passwd").read_text()
    assert re.search(r"(?m)^rapl:.*energy-collector$", (tmp_path / "etc/group").read_text())
    zone = tmp_path / "sys/devices/virtual/powercap/intel-rapl/intel-rapl:0"
    (zone / "intel-rapl:0:0").mkdir(parents=True)
    for folder in (zone, zone / "intel-rapl:0:0"):
        (folder / "energy_uj").write_text("1")
        (folder / "energy_uj").chmod(0o400)
    code, report = run("systemd-tmpfiles", "--create", f"--root={tmp_path}", SYSTEMD / "energy-collector-rapl.tmpfiles")
    if os.geteuid() == 0:
        assert code == 0, report
        assert {oct(file.stat().st_mode & 0o777) for file in zone.rglob("energy_uj")} == {"0o440"}
        assert {file.stat().st_gid for file in zone.rglob("energy_uj")} != {0}


def test_the_configuration_is_valid():
    for text in ((DEPLOY / "config.yaml").read_text(), KUBERNETES["ConfigMap"]["data"]["config.yaml"]):
        config = configuration.validate(yamlfile.parse(text, DEPLOY / "config.yaml"), discover())
        assert config.instances is None, "what fits the machine runs; a source that it lacks would count as down"


def test_what_the_dockerfile_copies_exists():
    text = (DEPLOY / "Dockerfile").read_text()
    for line in re.findall(r"(?m)^COPY (?!--from)(.*)$", text):
        *sources, _target = line.split()
        assert [source for source in sources if not (ROOT / source).exists()] == []
    assert re.search(r"(?m)^USER 65532", text)
    assert "HEALTHCHECK" in text


def test_the_image_has_locked_versions_of_all_that_it_needs():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = map(Requirement, [*project["dependencies"], *project["optional-dependencies"]["nvidia"]])
    text = (DEPLOY / "requirements.txt").read_text()
    locked = dict(re.findall(r"(?m)^([a-z0-9-]+)==(\S+) \\$", text))
    assert [each.name for each in wanted if locked.get(each.name.lower(), "") not in each.specifier] == []
    assert len(re.findall(r"(?m)^[a-z]", text)) == len(locked), "each has a version"
    assert not re.search(r"(?m)^-|://", text), "no options and no addresses of an index"
    assert all("--hash=sha256:" in part for part in re.split(r"(?m)^(?=[a-z])", text) if part.strip())


def binds(service):
    return [bind.split(":") for bind in service["volumes"] if bind[0] in "./"]


def test_what_compose_mounts_exists():
    missing = [
        source
        for service in COMPOSE["services"].values()
        for source, *_ in binds(service)
        if source[0] == "." and not (DEPLOY / source).exists()
    ]
    if not (ROOT / "grafana/provisioning").is_dir():
        pytest.skip(f"the dashboards are not in this checkout: {', '.join(missing)}")
    assert missing == []


def test_named_volumes_are_declared():
    used = {
        bind.partition(":")[0]
        for service in COMPOSE["services"].values()
        for bind in service["volumes"]
        if bind[0] not in "./"
    }
    assert used == set(COMPOSE["volumes"])


def test_compose_shows_the_collector_the_host_and_lets_it_write_nothing_there():
    collector = COMPOSE["services"]["collector"]
    assert {("/proc", "/host/proc", "ro"), ("/sys", "/host/sys", "ro")} <= {tuple(bind) for bind in binds(collector)}
    assert collector["read_only"]
    assert collector["cap_drop"] == ["ALL"]
    assert "cap_add" not in collector
    assert all(bind[2:] == ["ro"] for service in COMPOSE["services"].values() for bind in binds(service))


def test_everything_in_compose_listens_on_loopback():
    services = COMPOSE["services"]
    assert "127.0.0.1:9877" in services["collector"]["command"]
    assert "--web.listen-address=127.0.0.1:9090" in services["prometheus"]["command"]
    assert "--web.listen-address=127.0.0.1:9093" in services["alertmanager"]["command"]
    assert services["grafana"]["environment"]["GF_SERVER_HTTP_ADDR"] == "127.0.0.1"


def beside_the_services_of_sites():
    """What the README has the collector be told: its environment and its configuration."""
    text = (DEPLOY / "README.md").read_text().partition("compose.sites.yaml")[2]
    environment = dict(re.findall(r"`([A-Z_]+)=(postgresql://\S+?)`", text))
    return environment, re.search(r"```yaml\n(collectors:.*?)```", text, re.DOTALL)[1]


def test_the_services_of_sites_are_pinned_keep_their_data_and_listen_on_loopback():
    document = yaml.safe_load((DEPLOY / "compose.sites.yaml").read_text())
    for service in document["services"].values():
        assert re.fullmatch(r"[a-z/]+:\d+\.\d+\.\d+(-pg\d+)?", service["image"])
        assert all(port.startswith("127.0.0.1:") for port in service["ports"])
        assert all(bind.partition(":")[0] in document["volumes"] for bind in service["volumes"])


def test_the_collector_finds_the_services_of_sites_as_the_readme_configures_it(tmp_path, monkeypatch):
    services = yaml.safe_load((DEPLOY / "compose.sites.yaml").read_text())["services"]
    environment, text = beside_the_services_of_sites()
    for name, value in environment.items():
        monkeypatch.setenv(name, value.replace("$DATABASE_PASSWORD", "canary"))
    (tmp_path / "config.yaml").write_text(text)
    document = configuration.read_document(tmp_path / "config.yaml")
    plugins = discover(configuration.plugin_names(document))
    (instance,) = configuration.validate(document, plugins).instances
    database, kafka = services["database"], services["kafka"]
    url = urlsplit(instance.options.database_url.get_secret_value())
    told = database["environment"]
    assert (url.username, url.path) == (told["POSTGRES_USER"], f"/{told['POSTGRES_DB']}")
    assert f"{url.hostname}:{url.port}:5432" in database["ports"]
    assert told["POSTGRES_PASSWORD"].startswith("${DATABASE_PASSWORD:?")
    brokers = instance.options.kafka.brokers
    assert kafka["environment"]["KAFKA_ADVERTISED_LISTENERS"] == f"PLAINTEXT://{brokers}"
    assert f"{brokers}:9092" in kafka["ports"]
    listeners = dict(each.split("://") for each in kafka["environment"]["KAFKA_LISTENERS"].split(","))
    assert (
        listeners.keys()
        == dict(
            each.split(":") for each in kafka["environment"]["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"].split(",")
        ).keys()
    )


def of_dashboards(path):
    file = ROOT / path
    if not file.exists():
        pytest.skip(f"{path} is not in this checkout")
    return yaml.safe_load(file.read_text())


def test_prometheus_finds_the_collector_and_alertmanager_where_compose_has_them():
    prometheus = of_dashboards("prometheus/prometheus.example.yml")
    parts = [*prometheus["scrape_configs"], *prometheus["alerting"]["alertmanagers"]]
    targets = {target for part in parts for each in part["static_configs"] for target in each["targets"]}
    assert {"localhost:9877", "localhost:9093"} <= targets
    assert prometheus["rule_files"] == ["rules/*.yaml"]


def test_grafana_finds_prometheus_where_compose_has_it():
    (source,) = of_dashboards("grafana/provisioning/datasources/energy-collector.yaml")["datasources"]
    (host,) = (each.split(":") for each in COMPOSE["services"]["grafana"]["extra_hosts"])
    assert source["url"] == f"http://{host[0]}:9090"
    assert host[1] == "127.0.0.1"
    (provider,) = of_dashboards("grafana/provisioning/dashboards/energy-collector.yaml")["providers"]
    assert provider["options"]["path"] in {bind[1] for bind in binds(COMPOSE["services"]["grafana"])}


def test_the_daemonset_mounts_what_it_declares_and_probes_what_there_is():
    pod = KUBERNETES["DaemonSet"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}
    mounts = {mount["mountPath"]: mount for mount in container["volumeMounts"]}
    assert all(mounts[path]["readOnly"] for path in ("/host/proc", "/host/sys"))
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    selector = KUBERNETES["DaemonSet"]["spec"]["selector"]["matchLabels"]
    assert selector.items() <= KUBERNETES["DaemonSet"]["spec"]["template"]["metadata"]["labels"].items()


def test_the_readme_names_every_file_of_the_folder():
    readme = (DEPLOY / "README.md").read_text()
    files = [file.name for file in DEPLOY.rglob("*") if file.is_file() and file.name != "README.md"]
    assert [name for name in files if name not in readme] == []

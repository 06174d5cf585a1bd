"""The probes of the Kubernetes manifest, sent as the kubelet sends them, to the program in every documented set-up."""

import json
from pathlib import Path

import bcrypt
import pytest
import yaml

DEPLOY = Path(__file__).parents[2] / "deploy"
MANIFEST = {each["kind"]: each for each in yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text())}
CONFIG = yaml.safe_load(MANIFEST["ConfigMap"]["data"]["config.yaml"])
(CONTAINER,) = MANIFEST["DaemonSet"]["spec"]["template"]["spec"]["containers"]
PROBES = [CONTAINER[kind]["httpGet"] for kind in ("livenessProbe", "readinessProbe")]


def setups(certificate):
    passwords = {"basic_auth_users": {"prom": bcrypt.hashpw(b"sesame", bcrypt.gensalt(4)).decode()}}
    tls = {"cert_file": str(certificate.cert), "key_file": str(certificate.key)}
    client = {"client_ca_file": str(certificate.cert), "client_auth_type": "RequireAndVerifyClientCert"}
    return {
        "passwords": passwords,
        "TLS": {"tls_server_config": tls},
        "passwords and client certificates": {"tls_server_config": tls | client, **passwords},
        "a rate limit": {"rate_limit": {"interval": "1h", "burst": 1}},
    }


@pytest.mark.parametrize("name", [None, *setups(type("", (), {"cert": "", "key": ""}))])
def test_probes_work_in_every_set_up(collector, free_port, tmp_path, certificate, eventually, name):
    port = free_port()
    config = CONFIG | {"root": "/", "probe_listen": f"127.0.0.1:{port}", "collectors": {"system": {}}}
    if name:
        (tmp_path / "web.yml").write_text(json.dumps(setups(certificate)[name]))
        config["web_config"] = "web.yml"
    program = collector(yaml.safe_dump(config), ready=False)
    program.port = port
    for probe in PROBES:
        assert CONFIG["probe_listen"] == f"{probe['host']}:{probe['port']}"
        eventually(lambda path=probe["path"]: answers(program, path), 30)
    assert program.request("/metrics").status == 404
    assert program.request("/healthz", method="POST").status == 405


def answers(program, path):
    try:
        return program.request(path).status == 200
    except OSError:
        return False

"""A configuration that was written for the previous release runs in the real program."""

import shutil
from pathlib import Path

SITE = Path(__file__).parents[1] / "core/config/previous_release"
ENVIRONMENT = {"HOOK_URL": "http://127.0.0.1:1/hook"} | dict.fromkeys(
    ("CHAT_TOKEN", "NODE_AUTH", "PUSH_TOKEN"), "s3cret"
)


def test_a_file_of_the_previous_release_runs_unchanged(collector, tmp_path):
    for name in ("hook.secret", "web.yml"):
        shutil.copy(SITE / name, tmp_path)
    program = collector((SITE / "site.yaml").read_text(), env=ENVIRONMENT)
    health = [series for series in program.samples() if series.startswith("collector_interval_seconds{")]
    assert len(health) == 13
    assert program.request("/").headers["X-Frame-Options"] == "deny"
    assert not [line for line in program.lines if "ERROR" in line]
    assert program.stop() == 0

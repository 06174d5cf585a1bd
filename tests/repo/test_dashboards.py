"""The dashboards keep their rules, are what their code says, and ask for metrics that exist."""

import json
import re
import shutil
from pathlib import Path

import pytest
import yaml
from grafana_foundation_sdk.models import units

from grafana.build.__main__ import drift, write
from grafana.build.catalogue import DASHBOARDS
from tests import declared, promql

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "grafana/dashboards").glob("*.json"))
UNITS = {value for name, value in vars(units).items() if isinstance(value, str) and not name.startswith("_")}
OWN_UNITS = re.compile(r"(suffix|prefix): ?\S+.*")  # Grafana's way to write a unit that it has not
UIDS = {
    "energy-collector-anomalies",
    "energy-collector-batteries",
    "energy-collector-carbon",
    "energy-collector-everything",
    "energy-collector-fleet",
    "energy-collector-forecasts",
    "energy-collector-gpus",
    "energy-collector-health",
    "energy-collector-jobs",
    "energy-collector-machine",
    "energy-collector-meters",
    "energy-collector-nodes",
    "energy-collector-pods",
    "energy-collector-site-forecast",
    "energy-collector-sites",
    "energy-collector-vms",
    "energy-collector-workloads",
}

every_file = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)


def load(file):
    return json.loads(file.read_text(encoding="utf-8"))


def panels(file):
    return [panel for panel in load(file)["panels"] if panel["type"] != "row"]


def queries(file):
    """Title of the panel and expression."""
    return [(panel["title"], target["expr"]) for panel in panels(file) for target in panel["targets"]]


def variables(file):
    return [each for each in load(file)["templating"]["list"] if each["type"] == "query"]


def test_the_files_are_what_the_code_says():
    assert drift() == []


def test_a_file_that_differs_or_is_too_many_is_named_and_put_right(tmp_path):
    write(tmp_path)
    assert drift(tmp_path) == []
    (tmp_path / "fleet.json").write_text("{}")
    (tmp_path / "vms.json").unlink()
    (tmp_path / "old.json").write_text("{}")
    assert drift(tmp_path) == ["fleet.json", "old.json", "vms.json"]
    write(tmp_path)
    assert drift(tmp_path) == []


def test_addresses_of_dashboards_stay():
    found = [load(file)["uid"] for file in FILES]
    assert sorted(found) == sorted(UIDS)
    assert all(len(uid) <= 40 for uid in found)  # Grafana takes no more


@every_file
def test_every_panel_says_what_it_shows_and_in_which_unit(file):
    for panel in panels(file):
        assert len(panel["title"]) > 1, panel
        assert re.fullmatch(r"[A-Z`].{15,}[.?]", panel["description"]), panel["title"]
        defaults, overrides = panel["fieldConfig"]["defaults"], panel["fieldConfig"]["overrides"]
        used = [defaults["unit"], *(p["value"] for o in overrides for p in o["properties"] if p["id"] == "unit")]
        assert [unit for unit in used if unit not in UNITS and not OWN_UNITS.fullmatch(unit)] == [], panel["title"]
    titles = [panel["title"] for panel in panels(file)]
    assert len(set(titles)) == len(titles)


@every_file
def test_nothing_is_bound_to_one_prometheus(file):
    dashboard = load(file)
    assert "__inputs" not in dashboard
    assert dashboard.get("id") is None
    source = next(each for each in dashboard["templating"]["list"] if each["name"] == "datasource")
    assert (source["type"], source["query"], source.get("current")) == ("datasource", "prometheus", None)
    places = [*panels(file), *variables(file), *(target for panel in panels(file) for target in panel["targets"])]
    assert {json.dumps(each["datasource"]) for each in places} == {'{"type": "prometheus", "uid": "${datasource}"}'}


@every_file
def test_it_works_for_a_fleet(file):
    chosen = {each["name"]: each for each in variables(file)}
    assert {"job", "instance"} <= set(chosen)
    assert all(each["multi"] and each["includeAll"] for each in chosen.values())
    for title, expression in queries(file):
        selectors = re.findall(r"\{([^}]*)\}", expression)
        assert len(selectors) >= max(1, len(promql.metrics_in(expression))), f"{title}: {expression}"
        for selector in selectors:
            assert 'job=~"$job"' in selector, title
            assert 'instance=~"$instance"' in selector, title
    used = " ".join(
        [expression for _, expression in queries(file)] + [each["query"]["query"] for each in variables(file)]
    )
    assert set(re.findall(r"\$(?!__)(\w+)", used)) <= set(chosen)
    assert [name for name in chosen if f"${name}" not in used] == []


@every_file
def test_rates_fit_the_zoom(file):
    """Over Grafana's interval, or over all of the chosen time where a total is meant; never a fixed one."""
    for title, expression in queries(file):
        assert set(re.findall(r"\[([^\]]*)\]", expression)) <= {"$__rate_interval", "$__range"}, title
        counters = {name for name in promql.metrics_in(expression) if name.endswith("_total")}
        assert len(re.findall(r"\b(?:rate|increase)\(", expression)) >= len(counters), f"{title}: a bare counter"
    for panel in panels(file):
        if panel["type"] in ("timeseries", "state-timeline"):
            assert not any("$__range" in target["expr"] for target in panel["targets"]), panel["title"]


@every_file
def test_panels_stand_beside_each_other(file):
    everything = load(file)["panels"]
    numbers = [panel["id"] for panel in everything]
    assert len(set(numbers)) == len(numbers)
    taken = set()
    for panel in everything:
        place = panel["gridPos"]
        assert place["x"] >= 0
        assert place["x"] + place["w"] <= 24, panel["title"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, f"{panel['title']} covers another panel"
        taken |= cells


@every_file
def test_dashboards_lead_to_each_other(file):
    dashboard = load(file)
    (link,) = dashboard["links"]
    assert (link["type"], link["keepTime"], link["includeVars"]) == ("dashboards", True, True)
    assert link["tags"] == dashboard["tags"] == ["energy-collector"]
    for uid in re.findall(r"/d/([\w-]+)", file.read_text()):
        assert uid in UIDS


@every_file
def test_panels_ask_for_metrics_and_labels_that_exist(file):
    known = declared.everything()
    wrong = [
        f"{file.name}: panel {title!r}: {problem}"
        for title, expression in queries(file)
        for problem in promql.problems_of(expression, known)
    ]
    for variable in variables(file):
        metric, label = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["query"]["query"]).groups()
        problems = promql.problems_of(f"count by ({label}) ({metric})", known)
        wrong += [f"{file.name}: variable {variable['name']!r}: {problem}" for problem in problems]
    assert wrong == [], "\n".join(wrong)


@every_file
def test_legends_name_labels_that_exist(file):
    known = declared.everything()
    for panel in panels(file):
        for target in panel["targets"]:
            named = set(re.findall(r"\{\{\s*(\w+)\s*\}\}", target["legendFormat"]))
            assert named <= promql.labels_of(target["expr"], known), panel["title"]


def test_a_metric_that_is_renamed_is_named_with_its_panel(monkeypatch):
    known = declared.everything()
    del known["energy_power_watts"]
    monkeypatch.setattr(declared, "everything", lambda: known)
    with pytest.raises(
        AssertionError, match=r"(?s)fleet\.json: panel 'Power now': no metric is called energy_power_watts"
    ):
        test_panels_ask_for_metrics_and_labels_that_exist(ROOT / "grafana/dashboards/fleet.json")


def test_what_may_be_empty_says_why():
    for dashboard in DASHBOARDS:
        for panel in dashboard.panels:
            for reason in (panel.empty_in_demo, *(query.empty for query in panel.queries)):
                assert not reason or len(reason) > 15, panel.title


def test_provisioning_finds_what_is_mounted(tmp_path):
    folder = ROOT / "grafana/provisioning"
    (provider,) = yaml.safe_load((folder / "dashboards/energy-collector.yaml").read_text())["providers"]
    assert provider["type"] == "file"
    assert provider["options"]["path"] == "/var/lib/grafana/dashboards"
    (source,) = yaml.safe_load((folder / "datasources/energy-collector.yaml").read_text())["datasources"]
    assert (source["type"], source["isDefault"], source["jsonData"]["timeInterval"]) == ("prometheus", True, "15s")
    scraped = yaml.safe_load((ROOT / "prometheus/prometheus.example.yml").read_text())["global"]["scrape_interval"]
    assert source["jsonData"]["timeInterval"] == scraped  # what $__rate_interval is made from
    shutil.copytree(folder, tmp_path / "mounted")

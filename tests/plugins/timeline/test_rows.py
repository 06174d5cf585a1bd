"""What a row says: values as its readers know them, and what belongs to them in the metadata."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.plugins.timeline.conftest import make_timeline, sample

GIB = 1 << 30


def gpu(host="bluefin", index="0", uuid="GPU-1", time=100.0, source="nvidia", **values):
    """The samples of one GPU: `power=100` and so on."""
    names = {
        "power": "nvidia_gpu_power_watts",
        "limit": "nvidia_gpu_power_limit_watts",
        "temperature": "nvidia_gpu_temperature_celsius",
        "used": "nvidia_gpu_memory_used_bytes",
        "total": "nvidia_gpu_memory_total_bytes",
        "load": "nvidia_gpu_utilization_ratio",
        "fan": "nvidia_gpu_fan_speed_ratio",
    }
    labels = {"host": host, "gpu": index, "uuid": uuid}
    model = values.pop("model", "RTX 4090")
    yield sample("nvidia_gpu_info", 1, time, source, name=model, driver="550", **labels)
    for key, value in values.items():
        yield sample(names[key], value, time, source, **labels)


def rows(*samples, made=None, **options):
    records = (made or make_timeline(**options)).encode(list(samples))
    return [{**each._asdict(), "metadata": json.loads(each.metadata)} for each in records]


def one(found, event, source=None):
    (row,) = (row for row in found if row["event_type"] == event and source in (None, row["source"]))
    return row


def without_key(row):
    return {name: value for name, value in row["metadata"].items() if name != "key"}


def battery(name, value, time=100.0, source="solix", **labels):
    return sample(name, value, time, source, **{"device": "SN1", "model": "A17C1", "name": "Cellar", **labels})


def test_a_gpu_node_has_a_row_each_for_power_temperature_and_utilisation_in_percent():
    found = rows(*gpu(power=201.5, limit=450, temperature=61, used=2 * GIB, total=24 * GIB, load=0.83, fan=0.4))
    values = {row["event_type"]: (row["source"], row["value"], row["created_at"]) for row in found}
    assert values == {
        "gpu_power_draw": ("gpu_bluefin", 201.5, 100.0),
        "gpu_temperature": ("gpu_bluefin", 61, 100.0),
        "gpu_utilization": ("gpu_bluefin", 83.0, 100.0),
        "cluster_gpu_power_total": ("gpu_cluster", 201.5, 100.0),
    }
    assert without_key(one(found, "gpu_power_draw")) == {
        "node": "bluefin",
        "gpus": 1,
        "gpu_model": "RTX 4090",
        "power_draw_w": 201.5,
        "power_limit_w": 450,
        "power_efficiency_pct": 44.8,
        "temperature_c": 61,
        "memory_used_mb": 2048,
        "memory_total_mb": 24576,
        "gpu_utilization_pct": 83.0,
        "fan_speed_pct": 40.0,
    }


def test_of_several_gpus_power_is_the_sum_temperature_the_highest_and_utilisation_the_mean():
    found = rows(
        *gpu(power=100, limit=200, temperature=50, used=GIB, total=GIB, load=0.2),
        *gpu(index="1", uuid="GPU-2", power=50, limit=200, temperature=70, used=GIB, total=GIB, load=0.4, model="A2"),
    )
    assert one(found, "gpu_power_draw")["value"] == 150
    assert one(found, "gpu_temperature")["value"] == 70
    assert one(found, "gpu_utilization")["value"] == 30.0
    metadata = without_key(one(found, "gpu_temperature"))
    assert (metadata["gpus"], metadata["gpu_model"], metadata["fan_speed_pct"]) == (2, "A2, RTX 4090", None)
    assert (metadata["power_efficiency_pct"], metadata["memory_total_mb"]) == (37.5, 2048)


def test_what_a_gpu_does_not_tell_has_no_row():
    found = rows(*gpu(temperature=61))
    assert [row["event_type"] for row in found] == ["gpu_temperature"]
    assert without_key(found[0])["power_draw_w"] is None


def test_the_cluster_is_one_row_over_all_instances_and_a_gpu_seen_twice_counts_once():
    found = rows(
        *gpu(power=100, source="rack1", time=100.0),
        *gpu(power=100, source="rack2", time=101.0),
        *gpu("marlin", uuid="GPU-3", power=70, source="rack2", time=101.0),
    )
    row = one(found, "cluster_gpu_power_total")
    assert (row["source"], row["value"], row["created_at"]) == ("gpu_cluster", 170, 101.0)
    assert without_key(row) == {"nodes_reporting": 2, "total_watts": 170}


def test_an_instance_that_runs_rarely_stays_in_the_total_until_it_is_old():
    made = make_timeline(interval=60.0)
    rows(*gpu(power=100, source="rare", time=0.0), made=made)
    fast = list(gpu("marlin", uuid="GPU-3", power=70, source="fast", time=60.0))
    assert one(rows(*fast, made=made), "cluster_gpu_power_total")["value"] == 170
    late = list(gpu("marlin", uuid="GPU-3", power=70, source="fast", time=600.0))
    assert one(rows(*late, made=made), "cluster_gpu_power_total")["value"] == 70


def test_a_host_that_is_gone_from_the_last_run_is_not_in_the_total():
    found = rows(
        *gpu(power=100, time=90.0),
        *gpu("marlin", uuid="GPU-3", power=70, time=90.0),
        *gpu(power=110, time=100.0),
    )
    assert one(found, "cluster_gpu_power_total")["value"] == 110
    assert one(found, "gpu_power_draw", "gpu_marlin")["created_at"] == 90.0


def test_a_battery_has_charge_in_percent_and_power():
    found = rows(
        battery("solix_battery_charge_ratio", 0.83),
        battery("solix_input_power_watts", 120),
        battery("solix_output_power_watts", 40, 99.0),
        sample("solix_reading_age_seconds", 300, 100.0, "solix", device="SN1", model="m", name="n", source="rest"),
        sample("solix_reading_age_seconds", 2, 100.0, "solix", device="SN1", model="m", name="n", source="mqtt"),
        sample("solix_fast_polling", 1, 100.0, "solix"),
    )
    row = one(found, "solix_battery_soc")
    assert (row["source"], row["value"]) == ("solix_SN1", 83.0)
    assert without_key(row) == {
        "device_sn": "SN1",
        "device_name": "Cellar",
        "data_source": "mqtt",
        "polling_mode": "FAST",
    }
    assert one(found, "solix_power_input")["value"] == 120
    assert (one(found, "solix_power_output")["value"], one(found, "solix_power_output")["created_at"]) == (40, 99.0)


@pytest.mark.parametrize(
    ("flows", "expected"),
    [
        ({"import": 300}, 300),
        ({"export": 250}, -250),
        ({"import": 300, "export": 50}, 250),
        ({"import": 0, "export": 0}, 0),
    ],
)
def test_grid_power_is_import_minus_export(flows, expected):
    found = rows(*(battery(f"solix_grid_{flow}_power_watts", watts) for flow, watts in flows.items()))
    row = one(found, "solix_grid_power")
    assert (row["value"], row["source"], row["metadata"]["polling_mode"]) == (expected, "solix_SN1", "normal")


def test_grid_power_is_of_one_run():
    found = rows(
        battery("solix_grid_import_power_watts", 300, 90.0), battery("solix_grid_export_power_watts", 5, 100.0)
    )
    assert (one(found, "solix_grid_power")["value"], one(found, "solix_grid_power")["created_at"]) == (-5, 100.0)


def test_any_series_becomes_an_event_that_the_configuration_names():
    made = make_timeline(
        events={
            'room_ratio{room="lab"}': {"event_type": "humidity", "source": "room_{room}_{none}", "scale": 100},
            "room_celsius": "room_temperature",
        }
    )
    assert {each.text for each in made.selectors} >= {'room_ratio{room="lab"}', "room_celsius"}
    found = rows(
        sample("room_ratio", 0.5, 100.0, "textfile", room="lab"),
        sample("room_celsius", 21.5, 100.0, "textfile", room="lab"),
        made=made,
    )
    assert [(row["event_type"], row["source"], row["value"]) for row in found] == [
        ("humidity", "room_lab_", 50.0),
        ("room_temperature", "textfile", 21.5),
    ]
    assert without_key(found[0]) == {"collector": "textfile", "room": "lab"}


def test_a_series_that_was_chosen_and_that_no_event_names_is_called_as_its_metric():
    (row,) = rows(sample("room_celsius", 21.5, 100.0, "textfile", room="lab"))
    assert (row["event_type"], row["source"]) == ("room_celsius", "textfile")


def test_every_row_has_a_key_of_its_own():
    found = rows(*gpu(power=1, temperature=2, load=0.1), *gpu(power=1, time=160.0))
    assert len({row["metadata"]["key"] for row in found}) == len(found)


@given(st.floats(0, 1))
def test_percent_is_what_people_would_write(ratio):
    (row,) = (
        each for each in rows(battery("solix_battery_charge_ratio", ratio)) if each["event_type"] == "solix_battery_soc"
    )
    assert abs(row["value"] - ratio * 100) < 1e-6
    assert len(f"{row['value']:.10f}".rstrip("0").partition(".")[2]) <= 6

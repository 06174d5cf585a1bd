"""The collector with the real anker-solix-api, against an Anker cloud and a broker on loopback."""

from __future__ import annotations

import base64
import json
import logging
import threading

import pytest

from collector_core import AuthFailed, NotAvailable, Reason
from collector_plugins.solix import metrics
from tests.plugins.solix import frames
from tests.plugins.solix.conftest import HERE
from tests.plugins.solix.fakecloud import BOUND, EMAIL, ENERGY, LOGIN, PASSWORD, SCENE, SITES, USER_ID, Fault

pytestmark = pytest.mark.filterwarnings("ignore:ssl.PROTOCOL_TLS is deprecated")  # of the library

SITE = {"device": "11111111-2222-3333-4444-555555555555", "model": "site", "name": "Orchard"}
BANK = {"device": "TESTSB2SERIAL001", "model": "A17C1", "name": "Shed"}
STATION = {"device": "TESTF3800PLUS001", "model": "A1790P", "name": "Garage"}
METER = {"device": "TESTMETERSERIAL1", "model": "A17X7", "name": "Meter"}
PLUG = {"device": "TESTPLUGSERIAL01", "model": "A17X8", "name": "Freezer"}

TRIGGER, STATUS_REQUEST = "0057", "0040"


@pytest.fixture
def home(fake_cloud, broker, broker_port):
    """The cloud of a home, which hands out certificates for the broker."""
    cloud = fake_cloud()
    cloud.mqtt = broker.account
    broker_port(broker)
    return cloud


def report(devices, **values):
    serial = STATION["device"]
    devices.send(frames.topic("A1790P", serial), frames.power_station(serial, **values))


def hear(collector, devices, charge, **values):
    """Report until the collector shows it: the subscription comes a moment after the connection."""

    def heard():
        report(devices, charge=charge, **values)
        return collector.harness.value(metrics.CHARGE, **STATION) == pytest.approx(charge / 100)

    collector.run_until(heard, step=0.2)


def clients():
    return [thread.name for thread in threading.enumerate() if "paho" in thread.name]


def failures(harness):
    return {part.labels["source"]: part.error for part in harness.part_failures}


def later(collector, seconds):
    """Let the collector's clock jump, so that the next cycle is due."""
    collector.harness.clock.monotonic_time += seconds


# The cloud


def test_what_the_cloud_says_of_sites_and_devices(fake_cloud, live):
    cloud = fake_cloud()
    harness = live(mqtt=False).harness
    harness.run()
    assert harness.value(metrics.CHARGE, **BANK) == pytest.approx(0.24)
    assert harness.value(metrics.CAPACITY, **BANK) == 3200 * 3600
    assert harness.value(metrics.DISCHARGE_POWER, **BANK) == 150
    assert harness.value(metrics.CHARGE_POWER, **BANK) == 0
    assert harness.value(metrics.SOLAR_CHANNEL, **BANK, channel="2") == 30
    assert harness.value(metrics.SOLAR_CHANNEL, **BANK, channel="3") is None
    assert harness.value(metrics.GRID_IMPORT, **METER) == 320
    assert harness.value(metrics.PLUG, **PLUG) == 95
    assert harness.value(metrics.HOME_LOAD, **SITE) == 520
    assert harness.value(metrics.CAPACITY, **STATION) == 3840 * 3600
    assert harness.value(metrics.CHARGE, **STATION) is None
    assert cloud.counts[LOGIN] == 1


def test_a_standalone_power_station_is_found(fake_cloud, live):
    fake_cloud()
    harness = live(mqtt=False).harness
    harness.run()
    assert harness.value(metrics.DEVICE_INFO, **STATION, type="pps", firmware="1.2.3") == 1


def test_the_token_outlives_a_restart_and_only_its_owner_reads_it(fake_cloud, live, tmp_path):
    cloud = fake_cloud()
    for _ in range(2):
        live(mqtt=False).harness.run()
    assert cloud.counts[LOGIN] == 1
    (token,) = (tmp_path / "state").iterdir()
    assert token.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700
    assert "canary" not in token.name


def test_a_corrupt_token_is_thrown_away(fake_cloud, live, tmp_path):
    cloud = fake_cloud()
    live(mqtt=False).harness.run()
    (token,) = (tmp_path / "state").iterdir()
    token.write_text('{"auth_token": ')
    live(mqtt=False).harness.run()
    assert cloud.counts[LOGIN] == 2


def test_an_expired_token_costs_one_login(fake_cloud, live):
    cloud = fake_cloud()
    collector = live(mqtt=False)
    collector.harness.run()
    cloud.expire()
    later(collector, 120)
    collector.run_until(lambda: cloud.counts[LOGIN] == 2)
    collector.harness.run()
    assert failures(collector.harness) == {}
    assert collector.harness.value(metrics.CHARGE, **BANK) is not None
    assert cloud.counts[LOGIN] == 2
    requests = collector.harness.series(metrics.REQUESTS)
    assert sum(number for (_, result), number in requests.items() if result == "unauthorized") == 1


def test_a_cloud_that_never_takes_the_token_is_not_asked_to_log_in_for_ever(fake_cloud, live):
    cloud = fake_cloud()
    cloud.faults[SITES] = Fault(status=401)
    with pytest.raises(NotAvailable) as raised:
        live(mqtt=False).harness.run()
    assert raised.value.reason == Reason.AUTH
    assert cloud.counts[LOGIN] <= 2


@pytest.mark.parametrize("code", [26108, 26156, 26052])
def test_a_refused_login_is_tried_once(fake_cloud, live, code):
    cloud = fake_cloud()
    cloud.faults[LOGIN] = Fault(code=code)
    harness = live(mqtt=False).harness
    with pytest.raises(AuthFailed) as raised:
        harness.run()
    assert cloud.counts[LOGIN] == 1
    assert "energy-collector solix login" in raised.value.fix
    assert EMAIL not in str(raised.value)


@pytest.mark.parametrize(
    ("fault", "least"),
    [
        (Fault(code=100053, msg="Too many attempts. Try again in 3 hours."), 3 * 3600),
        (Fault(code=100053, msg="locked"), 3600),
        (Fault(code=26153, msg="Please try again in 20 minutes"), 3600),
    ],
)
def test_a_locked_account_is_left_alone_until_the_lock_has_passed_and_is_then_used_again(
    fake_cloud, live, fault, least
):
    cloud = fake_cloud()
    cloud.faults[LOGIN] = fault
    harness = live(mqtt=False).harness
    for _ in range(5):
        with pytest.raises(NotAvailable) as raised:
            harness.run(advance=least / 6)
        assert raised.value.reason is Reason.AUTH
        assert "locked" in raised.value.detail
    assert cloud.counts[LOGIN] == 1
    del cloud.faults[LOGIN]

    harness.run(advance=least / 2)

    assert cloud.counts[LOGIN] == 2
    assert harness.value(metrics.CHARGE, **BANK) is not None


def test_a_lock_outlives_the_process(fake_cloud, live):
    cloud = fake_cloud()
    cloud.faults[LOGIN] = Fault(code=100053, msg="Try again in 2 hours")
    for _ in range(3):
        with pytest.raises(NotAvailable, match="locked"):
            live(mqtt=False).harness.run()
    assert cloud.counts[LOGIN] == 1


def test_a_wrong_password_is_tried_once(fake_cloud, live):
    cloud = fake_cloud()
    with pytest.raises(AuthFailed):
        live(mqtt=False, password="wrong").harness.run()
    assert dict(cloud.counts) == {LOGIN: 1}


@pytest.mark.parametrize("status", [401, 403])
def test_a_login_that_is_forbidden_is_tried_once(fake_cloud, live, status):
    cloud = fake_cloud()
    cloud.faults[LOGIN] = Fault(status=status)
    with pytest.raises(AuthFailed):
        live(mqtt=False).harness.run()
    assert cloud.counts[LOGIN] == 1


def test_without_password_and_token_nothing_is_sent(fake_cloud, live):
    cloud = fake_cloud()
    with pytest.raises(AuthFailed, match="no valid token"):
        live(mqtt=False, password=None).harness.run()
    assert cloud.requests == []


FAULTS = {
    "limited": (Fault(status=429), Reason.UNREACHABLE, 1),
    "server_error": (Fault(status=500), Reason.UNREACHABLE, 1),
    "gateway": (Fault(status=502), Reason.UNREACHABLE, 1),
    "malformed": (Fault(how="malformed"), Reason.BAD_DATA, 1),
    "empty": (Fault(how="empty"), Reason.UNREACHABLE, 1),
    "list": (Fault(how="list"), Reason.BAD_DATA, 1),
    "reset": (Fault(how="reset"), Reason.UNREACHABLE, 1),
    "refused": (Fault(code=10003), Reason.UNREACHABLE, 1),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_of_the_cloud_leaves_what_is_known_and_ends(fake_cloud, live, name):
    cloud = fake_cloud()
    fault, reason, requests = FAULTS[name]
    collector = live(mqtt=False)
    harness = collector.harness
    collector.run_until(lambda: cloud.counts[ENERGY])
    collector.run_until(lambda: not harness.collector._poller._cloud.is_busy)
    before = cloud.counts[SCENE]
    cloud.faults[SCENE] = fault
    later(collector, 120)
    collector.run_until(lambda: failures(harness).get("rest"))
    assert failures(harness)["rest"].reason == reason
    assert harness.value(metrics.CHARGE, **BANK) == pytest.approx(0.24)
    assert harness.value(metrics.AGE, **BANK, source="rest") >= 120
    assert cloud.counts[SCENE] == before + requests
    del cloud.faults[SCENE]
    later(collector, 200)
    collector.run_until(lambda: not failures(harness))
    collector.run_until(lambda: harness.value(metrics.AGE, **BANK, source="rest") < 100)


def test_a_limited_endpoint_is_backed_off_from(fake_cloud, live):
    cloud = fake_cloud()
    collector = live(mqtt=False)
    collector.harness.run()
    cloud.faults[SCENE] = Fault(status=429, headers={"retry-after": "300"})
    later(collector, 120)
    collector.run_until(lambda: failures(collector.harness).get("rest"))
    limited = cloud.counts[SCENE]
    later(collector, 120)
    collector.run_until(lambda: "not asked again" in str(failures(collector.harness).get("rest")))
    assert cloud.counts[SCENE] == limited
    assert collector.harness.value(metrics.REQUESTS, endpoint=SCENE, result="limited") == 1


def test_the_first_answer_may_be_late(fake_cloud, live):
    cloud = fake_cloud()
    cloud.faults[SITES] = Fault(how="slow", times=1)
    collector = live(mqtt=False)
    with pytest.raises(NotAvailable) as raised:
        collector.run_until(lambda: False, seconds=20)
    assert raised.value.reason in {Reason.UNREACHABLE, Reason.TIMEOUT}
    assert collector.harness.collector._budget.results[SITES, "timeout"] == 1


# Live values


def test_live_values_in_base_units(home, devices, live):
    collector = live()
    harness = collector.harness
    collector.run_until(lambda: harness.value(metrics.CONNECTED))
    hear(collector, devices, 62, ac_out=800, solar=301, usb=12)
    assert harness.value(metrics.OUTPUT, **STATION) == 812
    assert harness.value(metrics.INPUT, **STATION) == 301
    assert harness.value(metrics.SOLAR, **STATION) == 301
    assert harness.value(metrics.SOLAR_CHANNEL, **STATION, channel="1") == 150
    assert harness.value(metrics.PORT, **STATION, port="usbc_1") == 12
    assert harness.value(metrics.REMAINING, **STATION) == 7200
    assert harness.value(metrics.TEMPERATURE, **STATION) == 26
    assert harness.value(metrics.DISCHARGING, **STATION) == 1


def sent_until_shown(collector, devices, model, serial, text, metric, **labels):
    def shown():
        devices.send(frames.topic(model, serial), text)
        return collector.harness.value(metric, device=serial, model=model, **labels)

    return collector.run_until(shown, step=0.2)


def test_messages_of_a_meter_a_plug_and_a_solarbank(home, devices, live):
    collector = live()
    harness = collector.harness
    collector.run_until(lambda: harness.value(metrics.CONNECTED))
    meter = frames.frame("0405", {"a8": frames.wide(433), "a9": frames.wide(0), "aa": frames.wide(123456)})
    plug = frames.frame("0405", {"a8": frames.watts(2314), "a9": frames.watts(77), "aa": frames.watts(1789)})
    bank = frames.frame("0405", {"ad": frames.small(23), "aa": frames.small(5), "b7": frames.wide(15800)})
    say = [(METER, meter, metrics.IMPORT_ENERGY), (PLUG, plug, metrics.PLUG_VOLTAGE), (BANK, bank, metrics.TEMPERATURE)]
    for labels, frame, metric in say:
        text = frames.message(labels["model"], labels["device"], frame)
        sent_until_shown(collector, devices, labels["model"], labels["device"], text, metric, name=labels["name"])
    assert harness.value(metrics.GRID_IMPORT, **METER) == 433
    assert harness.value(metrics.IMPORT_ENERGY, **METER) == pytest.approx(1234.56 * 3.6e6)
    assert harness.value(metrics.PLUG, **PLUG) == pytest.approx(178.9)
    assert harness.value(metrics.PLUG_CURRENT, **PLUG) == pytest.approx(0.77)
    assert harness.value(metrics.DISCHARGE_POWER, **BANK) == pytest.approx(158)
    assert harness.value(metrics.CHARGE, **BANK) == pytest.approx(0.23)


def test_messages_of_a_panel_an_x1_and_a_c1000(fake_cloud, broker, devices, broker_port, live):
    cloud = fake_cloud(HERE / "accounts" / "cabin")
    cloud.mqtt = broker.account
    broker_port(broker)
    collector = live()
    harness = collector.harness
    collector.run_until(lambda: harness.value(metrics.CONNECTED))
    panel = {"sn": "TESTPANELSERIAL1", "soc": 62, "bp": -2296, "pp": 0, "gp": 3705, "lp": 1409, "gs": 0, "90asoc": 61}
    x1 = {"sn": "TESTX1SERIAL0001", "ems_data": {"soc": 77, "bp": 900, "pp": 2400, "gp": -120, "lp": 1380}}
    c1000 = {"a5": frames.watts(0), "ae": frames.watts(60), "af": frames.watts(60), "b0": frames.watts(57)}
    c1000 |= {"c1": frames.small(100), "c2": frames.small(20), "cb": frames.small(1), "bd": frames.small(35)}
    texts = {
        ("A17B1", "TESTPANELSERIAL1", "Panel"): frames.message(
            "A17B1", "TESTPANELSERIAL1", frames.json_frame("0500", panel)
        ),
        ("A5103", "TESTX1SERIAL0001", "X1"): frames.message(
            "A5103", "TESTX1SERIAL0001", json.dumps(x1).encode(), field="trans"
        ),
        ("A1761", "TESTC1000SERIAL1", "Camper"): frames.message(
            "A1761", "TESTC1000SERIAL1", frames.frame("0405", c1000)
        ),
    }
    for (model, serial, name), text in texts.items():
        sent_until_shown(collector, devices, model, serial, text, metrics.CHARGE, name=name)

    def value(metric, number):
        model, serial, name = list(texts)[number]
        return harness.value(metric, device=serial, model=model, name=name)

    assert value(metrics.CHARGE_POWER, 0) == 2296
    assert value(metrics.GRID_IMPORT, 0) == 3705
    assert value(metrics.GRID_CONNECTED, 0) == 1
    assert value(metrics.HOME_LOAD, 0) == 1409
    assert value(metrics.DISCHARGE_POWER, 1) == 900
    assert value(metrics.GRID_EXPORT, 1) == 120
    assert value(metrics.SOLAR, 1) == 2400
    assert value(metrics.CHARGE, 2) == pytest.approx(0.60)
    assert value(metrics.INPUT, 2) == 60


def test_devices_are_asked_for_nothing_but_reports(home, devices, live, eventually):
    collector = live()
    collector.run_until(lambda: len(devices.asked) >= 4)
    kinds = {}
    for topic, payload in devices.asked:
        frame = base64.b64decode(json.loads(json.loads(payload)["payload"])["data"])
        kinds.setdefault(topic.split("/")[3], []).append((frame[7:9].hex(), frame))
    asked = {serial: {kind for kind, _ in frames} for serial, frames in kinds.items()}
    assert asked == {
        BANK["device"]: {TRIGGER},
        STATION["device"]: {TRIGGER},
        METER["device"]: {TRIGGER},
        PLUG["device"]: {STATUS_REQUEST},
    }
    seconds = [frame.split(bytes.fromhex("a30503"))[1][:4] for kind, frame in kinds[STATION["device"]]]
    assert int.from_bytes(seconds[0], "little") == 30


def test_realtime_off_sends_nothing(home, devices, live):
    collector = live(realtime="off")
    harness = collector.harness
    collector.run_until(lambda: harness.value(metrics.CONNECTED))
    hear(collector, devices, 50)
    assert devices.asked == []


def test_a_broker_that_dies_comes_back(home, broker, devices, live):
    collector = live()
    harness = collector.harness
    collector.run_until(lambda: harness.value(metrics.CONNECTED))
    hear(collector, devices, 62)
    broker.stop()
    collector.run_until(lambda: harness.value(metrics.CONNECTED) == 0)
    collector.wait(1)
    harness.run()
    assert harness.value(metrics.AGE, **STATION, source="mqtt") > 1
    assert harness.value(metrics.CHARGE, **STATION) == pytest.approx(0.62)
    asked = len(devices.asked)
    broker.start()
    collector.run_until(lambda: harness.value(metrics.CONNECTED), seconds=30)
    collector.run_until(lambda: len(devices.asked) > asked)
    hear(collector, devices, 61)
    assert harness.value(metrics.AGE, **STATION, source="mqtt") < 1


def test_a_broker_that_is_not_there_costs_only_the_live_values(home, broker, live):
    broker.stop()
    collector = live()
    harness = collector.harness
    collector.run_until(lambda: "mqtt" in failures(harness), seconds=30)
    assert harness.value(metrics.CHARGE, **BANK) is not None
    assert harness.value(metrics.CONNECTED) == 0
    assert clients() == []


@pytest.mark.parametrize(
    "text", ["", "not json", "[1]", '{"head": 3}', '{"head": {}, "payload": "{\\"data\\": \\"!\\"}"}']
)
def test_a_malformed_message_does_not_end_the_session(home, devices, live, text):
    collector = live()
    harness = collector.harness
    collector.run_until(lambda: harness.value(metrics.CONNECTED))
    hear(collector, devices, 45)
    devices.send(frames.topic("A1790P", STATION["device"]), text)
    report(devices, charge=44)
    collector.run_until(lambda: harness.value(metrics.CHARGE, **STATION) == pytest.approx(0.44))
    assert harness.value(metrics.RESTARTS) == 0


def test_a_silent_session_is_started_anew(home, devices, live):
    collector = live()
    harness = collector.harness
    collector.run_until(lambda: harness.value(metrics.CONNECTED))
    later(collector, 400)
    collector.run_until(lambda: harness.value(metrics.RESTARTS) == 1)
    hear(collector, devices, 44)


def test_closing_leaves_no_thread_and_no_certificate(home, live, tmp_path):
    collector = live()
    collector.run_until(lambda: collector.harness.value(metrics.CONNECTED))
    collector.run_until(lambda: [file.suffix for file in (tmp_path / "state").iterdir()] == [".json"])
    assert clients()
    collector.harness._loop.run(collector.harness._lifecycle.close())
    assert clients() == []


# Redaction


def test_no_secret_is_seen_anywhere(home, devices, live, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    collector = live(hash_serials=True)
    harness = collector.harness
    collector.run_until(lambda: harness.value(metrics.CONNECTED))
    collector.run_until(lambda: (report(devices, charge=44), harness.value(metrics.MESSAGES))[1], step=0.2)
    home.faults[SCENE] = Fault(code=10003)
    home.faults[BOUND] = Fault(how="malformed")
    later(collector, 4000)
    collector.run_until(lambda: failures(harness))
    errors = [repr((part.error, part.error.__cause__, part.error.__context__)) for part in harness.part_failures]
    seen = "\n".join([harness.exposition(), caplog.text, *errors, *capfd.readouterr()])
    (token,) = home.tokens
    for secret in (EMAIL, PASSWORD, USER_ID, token, "canarynick", *(each["device"] for each in (BANK, STATION))):
        assert secret not in seen, secret
    assert len(harness.series(metrics.DEVICE_INFO)) == 5

"""What runs report is kept, in the right order, and nothing of it holds up a run."""

import logging
from math import inf

import pytest

from collector_core.history import embedded, service
from collector_core.history.interface import EVER
from collector_core.history.schema import FILE
from collector_core.storage import Database, StorageError, StorageReason
from tests.core.history.conftest import Embedded
from tests.core.history.lamp import START, Lamp


@pytest.fixture
def lamp(stores):
    found = Lamp(stores)
    yield found
    found.end()


@pytest.fixture
def folder_lamp(tmp_path):
    """The same, in a folder."""
    found = Lamp(Embedded(tmp_path))
    yield found
    found.end()


def test_what_the_selectors_mean_is_kept_and_rounded(lamp):
    lamp.run(lamp_power_watts=12.3456, lamp_other_watts=1)
    lamp.run(lamp_power_watts=12.0, lamp_other_watts=1)
    assert lamp.points("lamp_power_watts") == [(0, 12.35, 0), (10, 12, 0)]
    assert lamp.points("lamp_other_watts") == []


def test_a_device_s_counter_rises_from_its_first_reading_and_over_a_restart(lamp):
    lamp.run(lamp_energy_joules_total=5000)
    lamp.run(lamp_energy_joules_total=5100.5)
    lamp.end()
    lamp.advance(3600)
    lamp.begin()
    lamp.run(lamp_energy_joules_total=5300)
    lamp.run(lamp_energy_joules_total=20)
    assert [rise for _, _, rise in lamp.points("lamp_energy_joules_total")] == [0, 100.5, 199.5, 20]


def test_the_ledger_counts_from_nothing_in_each_process_even_if_it_has_overtaken_itself(lamp):
    lamp.run(books_joules_total=3)
    lamp.run(books_joules_total=5)
    lamp.end()
    lamp.begin()
    lamp.run(books_joules_total=70)
    lamp.run(books_joules_total=75)
    assert [rise for _, _, rise in lamp.points("books_joules_total")] == [3, 2, 70, 5]


def test_nothing_is_counted_twice_when_a_write_fails(folder_lamp, monkeypatch):
    folder_lamp.run(lamp_energy_joules_total=10)
    folder_lamp.history.write()
    record = folder_lamp.history.store.record
    monkeypatch.setattr(folder_lamp.history.store, "record", lambda *_: (_ for _ in ()).throw(RuntimeError("no disk")))
    folder_lamp.run(lamp_energy_joules_total=12)
    folder_lamp.history.write()
    assert folder_lamp.metric("collector_history_up") == {"": 0}
    folder_lamp.run(lamp_energy_joules_total=15)
    monkeypatch.setattr(folder_lamp.history.store, "record", record)
    assert folder_lamp.points("lamp_energy_joules_total") == [(0, 10, 0), (10, 12, 2), (20, 15, 3)]
    assert folder_lamp.metric("collector_history_up") == {"": 1}


def test_too_much_that_waits_is_dropped_oldest_first_and_counted_and_no_energy_is_lost(folder_lamp, monkeypatch):
    monkeypatch.setattr(service, "MAX_READINGS", 5)
    folder_lamp.run(lamp_energy_joules_total=1)
    folder_lamp.history.write()
    for each in range(8):
        folder_lamp.run(lamp_energy_joules_total=2 + each)
    points = folder_lamp.points("lamp_energy_joules_total")
    assert folder_lamp.metric("collector_history_dropped_samples_total") == {"": 3}
    assert len(points) == 6
    assert sum(rise for _, _, rise in points) == 8


def test_reports_that_a_stuck_thread_does_not_take_are_dropped_and_counted(lamp, monkeypatch):
    monkeypatch.setattr(service, "MAX_REPORTS", 3)
    for each in range(5):
        lamp.run(lamp_power_watts=each)
    assert [value for _, value, _ in lamp.points("lamp_power_watts")] == [0, 1, 2]
    assert lamp.metric("collector_history_dropped_samples_total") == {"": 2}


def test_a_second_process_keeps_nothing_until_the_first_has_ended_and_counts_no_energy_twice(lamp, caplog):
    second = Lamp(lamp.stores)
    lamp.run(books_joules_total=10)
    lamp.history.write()
    second.run(books_joules_total=100)
    second.history.write()
    second.history.write()
    assert second.metric("collector_history_problems_total")["locked"] == 1
    assert second.metric("collector_history_up") == {"": 0}
    lamp.end()
    second.run(books_joules_total=107)
    assert second.points("books_joules_total") == [(0, 10, 10), (10, 107, 7)]
    assert second.metric("collector_history_up") == {"": 1}
    assert len([line for line in caplog.messages if "history" in line and "another process" in line]) == 1
    second.end()


def test_a_second_process_answers_with_what_the_first_has_read_just_now_and_goes_on_with_its_own(folder_lamp):
    def powers(lamp):
        (found,) = lamp.history.past.query(None, START, START + 100)
        return [value for _, value in found.points]

    second = Lamp(folder_lamp.stores)
    for value in (1, 2):
        folder_lamp.run(lamp_power_watts=value)
        folder_lamp.history.write()
        second.advance(10)
        second.history.write()
        assert powers(second) == powers(folder_lamp) == list(range(1, value + 1))
    folder_lamp.end()
    second.run(lamp_power_watts=3)
    second.history.write()
    assert powers(second) == [1, 2, 3]
    second.end()


@pytest.mark.parametrize("order", [(-3600, 3600), (3600, -3600)])
def test_a_clock_that_is_set_back_and_forth_overwrites_nothing_and_counts_nothing_twice(folder_lamp, order, caplog):
    caplog.set_level(logging.WARNING)
    joules = 0
    for each in range(1500):  # four hours, the clock is wrong in the second one
        if each in (360, 720):
            folder_lamp.clock.wall_time += order[0] if each == 360 else order[1]
        joules += 50
        folder_lamp.run(lamp_energy_joules_total=joules, lamp_power_watts=5)
        if each % 60 == 0:
            folder_lamp.history.write()
    points = folder_lamp.points("lamp_energy_joules_total")
    times = [time for time, _, _ in points]
    assert times == sorted(set(times))
    assert sum(rise for _, _, rise in points) == joules - 50
    assert folder_lamp.metric("collector_history_problems_total")["clock"] == 1
    assert len([line for line in caplog.messages if "clock" in line]) == 2


def test_garbage_is_replaced_said_once_and_counted(tmp_path, caplog):
    folder = tmp_path / "history"
    folder.mkdir()
    (folder / FILE).write_bytes(b"nonsense" * 999)
    found = Lamp(Embedded(tmp_path))
    found.run(lamp_power_watts=1)
    assert found.points("lamp_power_watts")
    assert found.metric("collector_history_problems_total")["corrupt"] == 1
    assert found.metric("collector_history_up") == {"": 1}
    found.end()


def test_damage_to_the_file_of_a_running_collector_is_noticed_set_aside_said_once_and_counted(
    folder_lamp, monkeypatch, caplog
):
    monkeypatch.setattr(embedded, "CHECKING_SHARE", inf)
    for watts in range(300):
        folder_lamp.run(lamp_power_watts=watts, lamp_energy_joules_total=watts)
        folder_lamp.history.write()
    with (folder_lamp.options.folder / FILE).open("r+b") as file:
        file.seek(2048)
        file.write(b"garbage!" * 1024)
    for watts in range(10):
        folder_lamp.run(lamp_power_watts=watts)
        folder_lamp.history.write()
    assert folder_lamp.metric("collector_history_problems_total")["corrupt"] == 1
    assert folder_lamp.metric("collector_history_up") == {"": 1}
    assert len(list(folder_lamp.options.folder.glob(f"{FILE}.corrupt-*"))) == 1
    begun, over = (line for line in caplog.messages if "history: " in line and "block" not in line)
    assert "is corrupt" in begun
    assert over.startswith("history: kept again (corrupt): the corrupt file is now called")
    assert [value for _, value, _ in folder_lamp.points("lamp_power_watts")][-5:] == [5, 6, 7, 8, 9]


def test_a_file_that_has_just_been_opened_is_not_read_a_second_time(folder_lamp, monkeypatch):
    read = []
    monkeypatch.setattr(Database, "check", lambda database: read.append(database.path))
    monkeypatch.setattr(embedded, "CHECKING_SHARE", 1e-9)
    folder_lamp.run(lamp_power_watts=1)
    folder_lamp.history.write()
    assert folder_lamp.points("lamp_power_watts")
    assert read == []


def test_a_corrupt_file_counts_once_however_often_its_successor_is_opened(tmp_path):
    folder = tmp_path / "history"
    folder.mkdir()
    (folder / FILE).write_bytes(b"nonsense" * 999)
    found = Lamp(Embedded(tmp_path))
    for _ in range(2):
        found.run(lamp_power_watts=1)
        found.history.write()
        found.history._suspend(StorageError(found.options.folder, StorageReason.FAILED, "an I/O error"))
    found.history.write()
    assert found.metric("collector_history_problems_total")["corrupt"] == 1
    found.end()


def test_the_folder_may_go_and_come_back(folder_lamp):
    folder_lamp.run(lamp_power_watts=1)
    folder_lamp.history.write()
    folder_lamp.options.folder.rename(folder_lamp.options.folder.with_name("elsewhere"))
    folder_lamp.options.folder.write_text("a file in its place")
    folder_lamp.run(lamp_power_watts=2)
    folder_lamp.history.write()
    assert folder_lamp.metric("collector_history_up") == {"": 0}
    folder_lamp.options.folder.unlink()
    folder_lamp.options.folder.with_name("elsewhere").rename(folder_lamp.options.folder)
    assert [value for _, value, _ in folder_lamp.points("lamp_power_watts")] == [1, 2]


def test_a_new_file_in_the_place_of_one_that_was_moved_mixes_no_series(folder_lamp):
    folder_lamp.run(lamp_power_watts=1, lamp_energy_joules_total=100)
    folder_lamp.history.write()
    folder = folder_lamp.options.folder
    folder.rename(folder.with_name("elsewhere"))
    for watts in (2, 3):
        folder_lamp.run(lamp_energy_joules_total=100 + 10 * watts, lamp_power_watts=watts)
        folder_lamp.history.write()
    assert folder_lamp.metric("collector_history_up") == {"": 1}
    folder_lamp.advance(7200)
    folder_lamp.history.write()
    assert [value for _, value, _ in folder_lamp.points("lamp_power_watts")] == [2, 3]
    assert [tuple(each)[1:] for each in folder_lamp.points("lamp_energy_joules_total")] == [(120, 20), (130, 10)]


def test_the_thread_keeps_runs_and_the_end(tmp_path, eventually):
    found = Lamp(Embedded(tmp_path), flush=0)
    found.history.start()
    found.run(lamp_power_watts=1)
    eventually(lambda: found.shown and found.metric("collector_history_bytes"))
    assert found.history.stop(60)
    assert [event.kind for event in found.stores.beside().events(0, EVER)][-1] == "stop"
    found.stores.close()


def test_old_data_is_deleted_and_journals_are_sealed_as_time_goes_by(tmp_path):
    found = Lamp(Embedded(tmp_path), tiers={"raw": "1h", "1m": "30d"})
    for _ in range(1000):
        found.run(lamp_power_watts=1)
        found.history.write()
    assert found.history.store.waiting < 100
    points = found.points("lamp_power_watts")
    assert points[-1][0] == 9990
    assert points[0][0] > 3000
    found.end()


def test_the_section_of_the_page_is_made_anew_where_somebody_looks_and_seldom_where_nobody_does(
    folder_lamp, monkeypatch
):
    made = []

    def section(reader, now):
        made.append(now)
        return object()

    def pass_time(seconds):
        for _ in range(0, seconds, 25):
            folder_lamp.advance(25)
            folder_lamp.history.write()

    monkeypatch.setattr(service, "power_section", section)
    folder_lamp.history.write()
    pass_time(250)
    assert len(made) == 1
    pass_time(75)
    assert len(made) == 2
    assert folder_lamp.history.section is not None
    pass_time(25)
    assert len(made) == 3
    pass_time(100)
    assert len(made) == 3

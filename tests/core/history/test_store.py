"""What was stored is found again, whole and once, whatever happens between."""

import sqlite3
from contextlib import closing

import pytest

from collector_core.history import blocks, points, retention
from collector_core.history import embedded as embedded_store
from collector_core.history.blocks import DAY
from collector_core.history.interface import DELETED, EVER, Event, HistorySample
from collector_core.history.points import Point
from collector_core.history.retention import delete_some, give_back
from collector_core.history.store import Store
from collector_core.history.tiers import HOUR, floor_to
from collector_core.storage.errors import StorageError, StorageReason
from tests.core.history.conftest import MINUTE, NOON, STEPS, kept

POWER = kept(plug="a")
ENERGY = kept("lamp_energy_joules_total", "counter", plug="a")


def noise(each):
    return pow(7, each + 1, 9_999_991) / 100


def samples(series, count, *, start=NOON, step=10_000, value=lambda each: 100.0 + each % 7, rise=0.0):
    return [HistorySample(series, start + each * step, value(each), rise) for each in range(count)]


def values(store, series=POWER, start=0, end=EVER):
    number, _ = store.catalogue.find(series.series.text)
    return [(point.time, point.value) for point in store.read(number, start, end)]


def summaries(store, step, series=POWER):
    number, _ = store.catalogue.find(series.series.text)
    return dict(store.summaries.read(number, step, 0, EVER))


def rows(store):
    return [(time, summary.row) for time, summary in sorted(summaries(store, MINUTE).items())]


def delete_all(store, target):
    for _ in range(1000):
        if not delete_some(store, target):
            return
    raise AssertionError("it never ends")


def test_readings_are_there_as_soon_as_they_are_appended(store):
    store.append(samples(POWER, 3))
    assert values(store) == [(NOON, 100.0), (NOON + 10_000, 101.0), (NOON + 20_000, 102.0)]


def test_sealing_and_compacting_change_no_reading(store):
    store.append(samples(POWER, 9000))
    before = values(store)
    store.seal(NOON + 2 * DAY)
    assert values(store) == before
    store.shrink(NOON + 3 * DAY)
    assert values(store) == before


def test_compacting_puts_hours_together_once(embedded):
    embedded.append(samples(POWER, 9000))
    embedded.seal(NOON + 2 * DAY)
    assert embedded.waiting == 0
    assert embedded.compact(NOON + 3 * DAY) > 0
    assert embedded.compact(NOON + 3 * DAY) == 0


def test_a_block_that_has_enough_readings_is_not_written_anew(embedded):
    seconds = 600
    for start in range(0, 3600, seconds):
        embedded.append(samples(POWER, seconds, start=NOON + start * 1000, step=1000, value=noise))
        embedded.seal(NOON + start * 1000)
    ((count,),) = embedded.database.rows("SELECT count(*) FROM blocks")
    assert count == 3600 // seconds
    assert values(embedded) == [
        (each.time, noise(place % 600)) for place, each in enumerate(samples(POWER, 3600, step=1000))
    ]
    embedded.append([HistorySample(POWER, NOON + 500, 1.0, 0.0)])  # a late one
    embedded.seal(NOON + HOUR + 10 * MINUTE)
    assert len(values(embedded)) == 3601
    assert summaries(embedded, HOUR)[NOON].count == 3601
    embedded.shrink(NOON + 2 * DAY)
    assert len(values(embedded)) == 3601
    ((count,),) = embedded.database.rows("SELECT count(*) FROM blocks")
    assert count == 1


@pytest.mark.parametrize(("allowed", "most"), [(2**28, 30), (640, 10), (100_000, 30)])
def test_the_journal_is_full_before_it_takes_much_of_the_space(stores_in_files, monkeypatch, allowed, most):
    monkeypatch.setattr(embedded_store, "MAX_JOURNALED", 30)
    monkeypatch.setattr(embedded_store, "LEAST_JOURNALED", 5)
    store = stores_in_files.make()
    store._options = store._options.model_copy(update={"max_bytes": allowed})
    store.append(samples(POWER, most))
    assert not store.is_full
    store.append(samples(POWER, 1, start=NOON + HOUR))
    assert store.is_full


def test_few_readings_are_put_together_to_a_block(embedded):
    for start in range(0, 3600, 60):
        embedded.append(samples(POWER, 6, start=NOON + start * 1000))
        embedded.seal(NOON + start * 1000)
    ((count,),) = embedded.database.rows("SELECT count(*) FROM blocks")
    assert count == 2
    assert len(values(embedded)) == 360


def test_another_process_reads_beside_the_one_that_writes(store, stores):
    store.append(samples(POWER, 400))
    store.seal(NOON + MINUTE)
    store.append(samples(POWER, 5, start=NOON + HOUR + HOUR))
    assert values(stores.beside()) == values(store)


def test_a_second_writer_is_refused_until_the_first_has_ended(store, stores):
    with pytest.raises(StorageError) as refused:
        stores.make(holder=2)
    assert refused.value.storage_reason is StorageReason.LOCKED
    stores.end(store)
    stores.make(holder=2)


def test_a_reopened_store_has_all_that_was_appended(store, stores):
    store.append(samples(POWER, 3), [Event(NOON, "start", "lamp", "started")])
    store.close()
    again = stores.make()
    assert len(values(again)) == 3
    assert again.events(0, EVER) == [Event(NOON, "start", "lamp", "started")]


def test_late_readings_are_put_in_their_place_and_overwrite_nothing(store):
    store.append(samples(POWER, 6, step=20_000))
    store.seal(NOON + 2 * HOUR)
    late = samples(POWER, 12, value=lambda _: 7.0)
    store.append(late)
    store.seal(NOON + 2 * HOUR)
    assert [value for _, value in values(store)] == [
        100.0,
        7.0,
        101.0,
        7.0,
        102.0,
        7.0,
        103.0,
        7.0,
        104.0,
        7.0,
        105.0,
        7.0,
    ]


def test_late_readings_reach_a_compacted_day(store):
    store.append(samples(POWER, 2000))
    store.seal(NOON + 2 * DAY)
    store.shrink(NOON + 3 * DAY)
    store.append([HistorySample(POWER, NOON + 5, 1.0, 0.0)])
    store.seal(NOON + 2 * DAY)
    assert (NOON + 5, 1.0) in values(store)
    assert len(values(store)) == 2001
    assert summaries(store, HOUR)[NOON].minimum == 1.0


def test_tiers_have_the_sums_of_the_readings(store):
    store.append(samples(ENERGY, 1000, value=lambda each: 0.25 * each, rise=0.25))
    store.seal(NOON + DAY)
    for step in STEPS:
        assert sum(each.rise for each in summaries(store, step, ENERGY).values()) == 250
        assert sum(each.count for each in summaries(store, step, ENERGY).values()) == 1000
        assert sum(each.covered for each in summaries(store, step, ENERGY).values()) == 9_990_000


def test_an_hour_that_lasts_is_summed_up_when_it_is_over(store):
    store.append(samples(POWER, 100))
    store.seal(NOON + 30 * MINUTE)
    assert summaries(store, HOUR) == {}
    store.append(samples(POWER, 300, start=NOON + 1_000_000))
    store.seal(NOON + 65 * MINUTE)
    assert summaries(store, HOUR)[NOON].count == 360
    assert summaries(store, HOUR)[NOON].covered == HOUR


def test_no_reading_holds_across_a_start_of_the_collector(store):
    store.append(samples(POWER, 2, step=30_000), [Event(NOON + 20_000, "start", "", "")])
    store.seal(NOON + DAY)
    assert summaries(store, HOUR)[NOON].covered == 0


def test_what_fails_to_be_appended_leaves_no_trace(store):
    store.append(samples(POWER, 1))
    broken = [HistorySample(kept("new_power_watts"), NOON, 1.0, 0.0), HistorySample(POWER, "never", 1.0, 0.0)]
    with pytest.raises((TypeError, ValueError)):
        store.append(broken)
    assert [each.series.name for _, each in store.catalogue] == ["lamp_power_watts"]
    store.append(samples(POWER, 2))
    assert len(values(store)) == 2


def test_old_readings_go_and_their_summaries_stay_for_as_long_as_their_tier(store):
    store.append(samples(POWER, 360))
    store.seal(NOON + DAY)
    keep = {0: DAY, MINUTE: 5 * DAY, 15 * MINUTE: 10 * DAY, HOUR: 100 * DAY}
    store.delete_old(NOON + 3 * DAY, keep, 1000 * DAY)
    assert values(store) == []
    assert summaries(store, MINUTE)
    store.delete_old(NOON + 20 * DAY, keep, 1000 * DAY)
    assert summaries(store, MINUTE) == summaries(store, 15 * MINUTE) == {}
    assert summaries(store, HOUR)[NOON].count == 360
    store.delete_old(NOON + 20 * DAY, keep, DAY)
    assert store.catalogue.find(POWER.series.text) is None


def test_summaries_of_deleted_readings_are_final(store):
    store.append(samples(POWER, 360))
    store.seal(NOON + DAY)
    store.delete_old(NOON + 3 * DAY, {0: DAY, **dict.fromkeys(STEPS, 100 * DAY)}, 1000 * DAY)
    store.append(samples(POWER, 1, value=lambda _: 5.0))
    store.seal(NOON + 3 * DAY)
    assert summaries(store, HOUR)[NOON].count == 360


def test_too_much_is_deleted_oldest_first_and_the_file_shrinks(embedded):
    for day in range(6):
        embedded.append(samples(POWER, 8640, start=NOON + day * DAY, value=noise))
    embedded.seal(NOON + 7 * DAY)
    embedded.compact(NOON + 8 * DAY)
    give_back(embedded)
    before = embedded.size
    delete_all(embedded, before // 2)
    assert embedded.size <= before // 2
    left = values(embedded)
    assert 0 < len(left) < 6 * 8640
    assert left[-1][0] >= NOON + 5 * DAY
    assert len(summaries(embedded, HOUR)) > 6 * 24 - 2


@pytest.mark.parametrize("share", [0.8, 0.5, 0.25])
def test_little_more_is_deleted_than_there_is_too_much(embedded, share):
    for day in range(6):
        embedded.append(samples(POWER, 8640, start=NOON + day * DAY, value=noise))
    embedded.seal(NOON + 7 * DAY)
    embedded.compact(NOON + 8 * DAY)
    give_back(embedded)
    everything, steps, allowed = values(embedded), rows(embedded), embedded.size * share
    delete_all(embedded, allowed)
    assert 0.85 * allowed <= embedded.size <= allowed
    left, steps_left = values(embedded), rows(embedded)
    assert left == everything[-len(left) :]
    assert steps_left == steps[-len(steps_left) :]
    assert embedded.damaged() == []


def test_blocks_of_an_older_length_are_cut_without_what_is_behind_them(embedded, monkeypatch):
    monkeypatch.setattr(blocks, "STEPS_PER_BLOCK", 240)
    embedded.append(samples(POWER, 8640, value=noise))
    embedded.seal(NOON + 3 * DAY)
    monkeypatch.undo()
    steps, before = rows(embedded), floor_to(NOON + 12 * HOUR, 12 * HOUR) + 30 * MINUTE
    with embedded.changing() as connection:
        assert embedded.summaries.delete(connection, MINUTE, before) > 0
        assert embedded.summaries.cut(connection, MINUTE, before, 10) == 1
    assert rows(embedded) == [row for row in steps if row[0] >= before]


def test_what_was_only_cut_is_known_to_be_deleted(embedded):
    start = floor_to(NOON, DAY)
    embedded.append(samples(POWER, 2 * 8640, start=start, value=noise))
    embedded.seal(NOON + 7 * DAY)
    embedded.compact(NOON + 8 * DAY)
    give_back(embedded)
    delete_all(embedded, embedded.size * 0.99)
    first = values(embedded)[0][0]
    assert start < first < start + 12 * HOUR, "within the first block"
    assert embedded.mark(DELETED) == first


def test_blocks_are_cut_some_at_a_time_and_a_restart_goes_on_where_it_left_off(stores_in_files, monkeypatch):
    monkeypatch.setattr(retention, "CUT_AT_ONCE", 1)
    store, plugs = stores_in_files.make(), [kept(plug=name) for name in "abc"]
    for plug in plugs:
        store.append(samples(plug, 2 * 8640, start=floor_to(NOON, DAY), value=noise))
    store.seal(NOON + 7 * DAY)
    store.compact(NOON + 8 * DAY)
    give_back(store)
    target = store.size * 0.9
    assert delete_some(store, target)
    assert len({values(store, plug)[0] for plug in plugs}) == 2
    stores_in_files.end(store)
    store = stores_in_files.make()
    delete_all(store, target)
    firsts = {values(store, plug)[0][0] for plug in plugs}
    assert firsts == {store.mark(DELETED)}
    assert all(values(store, plug)[-1][0] == floor_to(NOON, DAY) + (2 * 8640 - 1) * 10_000 for plug in plugs)
    assert store.damaged() == []


def test_a_damaged_block_does_not_keep_its_space(embedded, caplog):
    embedded.append(samples(POWER, 8640, start=floor_to(NOON, DAY), value=noise))
    embedded.seal(NOON + 7 * DAY)
    embedded.compact(NOON + 8 * DAY)
    with embedded.database.transaction() as connection:
        connection.execute("UPDATE blocks SET data = substr(data, 1, length(data) - 9)")
    give_back(embedded)
    delete_all(embedded, embedded.size * 0.95)
    assert embedded.database.rows("SELECT count(*) FROM blocks") == [(0,)]
    assert "left out" in caplog.text


def test_a_damaged_block_does_not_keep_others_from_being_compacted(embedded, caplog):
    embedded.append(samples(POWER, 8640, start=floor_to(NOON, DAY)))
    embedded.seal(NOON + 7 * DAY)
    with embedded.database.transaction() as connection:
        connection.execute("UPDATE blocks SET data = substr(data, 1, length(data) - 9)")
    assert embedded.compact(NOON + 8 * DAY) == 1
    caplog.clear()
    assert embedded.compact(NOON + 8 * DAY) == 0
    assert not caplog.text
    assert embedded.damaged() == []


def test_nothing_is_deleted_that_becomes_small_enough(stores_in_files, monkeypatch):
    monkeypatch.setattr(embedded_store, "COMPACTED_AT_ONCE", 1)
    store = stores_in_files.make(max_bytes=150_000, tiers={"raw": "90d"})
    plugs = [kept(plug=str(number)) for number in range(60)]
    for plug in plugs:
        store.append(samples(plug, 144, start=floor_to(NOON, DAY), step=10 * MINUTE))
    store.seal(NOON + 3 * DAY)
    assert store.size > 150_000
    for _ in range(100):
        if not store.maintain(NOON + 3 * DAY):
            break
    assert store.size <= 150_000
    assert all(len(values(store, plug)) == 144 for plug in plugs)


def test_a_corrupt_page_is_set_aside_and_the_rest_is_kept(embedded):
    embedded.append(samples(POWER, 20_000, value=noise))
    embedded.seal(NOON + 7 * DAY)
    embedded.close()
    content = bytearray(embedded.database.path.read_bytes())
    content[8192 : 8192 + 4096] = b"\xff" * 4096
    embedded.database.path.write_bytes(content)
    again = Store(embedded.folder, STEPS)
    again.open()
    assert list(embedded.folder.glob("history.db.corrupt-*"))
    again.append(samples(POWER, 1, start=NOON + 20 * DAY))
    again.close()


def test_garbage_is_set_aside(tmp_path):
    folder = tmp_path / "history"
    folder.mkdir()
    (folder / "history.db").write_bytes(b"garbage " * 1000)
    found = Store(folder, STEPS)
    found.open()
    found.append(samples(POWER, 1))
    found.close()
    assert [file.name.partition(".corrupt-")[0] for file in folder.glob("*.corrupt-*")] == ["history.db"]


def test_a_newer_schema_is_not_touched(embedded):
    embedded.close()
    with closing(sqlite3.connect(embedded.database.path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    before = embedded.database.path.read_bytes()
    with pytest.raises(StorageError) as refused:
        Store(embedded.folder, STEPS).open()
    assert refused.value.storage_reason is StorageReason.NEWER_SCHEMA
    assert embedded.database.path.read_bytes() == before


def test_readings_around_a_period_are_the_neighbours_too(store):
    store.append(samples(POWER, 400))
    store.seal(NOON + 2 * HOUR)
    store.append(samples(POWER, 1, start=NOON + 3 * HOUR))
    number, _ = store.catalogue.find(POWER.series.text)
    found = store.around(number, NOON + 10_000, NOON + 20_000)
    assert list(found.times) == [NOON, NOON + 10_000, NOON + 20_000]
    found = store.around(number, NOON + 2 * HOUR, NOON + 2 * HOUR + 1)
    assert list(found.times) == [NOON + 3_990_000, NOON + 3 * HOUR]
    assert store.span(number) == (NOON, NOON + 3 * HOUR)


def test_a_put_replaces_only_where_it_is_asked_to(store):
    store.append(samples(POWER, 2))
    store.seal(NOON + DAY)
    new = points.of([Point(NOON, 1.0)], is_counter=False)
    store.put(POWER, new)
    assert values(store)[0] == (NOON, 100.0)
    store.put(POWER, new, replace=True)
    assert values(store)[0] == (NOON, 1.0)

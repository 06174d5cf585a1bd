"""Checking, copying and deleting."""

import pytest

from collector_core.errors import NotAvailable
from collector_core.history.blocks import DAY
from collector_core.history.interface import EVER, Event, HistorySample
from collector_core.model.selector import Selector
from tests.core.history.conftest import NOON, Postgres, kept

SECRET = kept(owner="unmistakable-secret")
OTHER = kept(owner="somebody-else")
ENERGY = kept("lamp_energy_joules_total", "counter")


def write(store, count=500):
    for series in (SECRET, OTHER):
        store.append([HistorySample(series, NOON + 10_000 * each, each / 10, 0.0) for each in range(count)])


def numbers(store):
    return {kept.series.text: number for number, kept in store.catalogue}


def test_a_sound_store_has_no_damage(store):
    write(store)
    store.append([HistorySample(ENERGY, NOON + 10_000 * each, each / 10, 0.1) for each in range(1, 500)])
    store.seal(NOON + DAY)
    assert store.find_damage() == []


def test_a_flipped_bit_is_damage(embedded):
    write(embedded)
    embedded.seal(NOON + DAY)
    with embedded.database.transaction() as connection:
        ((data,),) = connection.execute("SELECT data FROM blocks LIMIT 1").fetchall()
        broken = bytes([*data[:-3], data[-3] ^ 4, *data[-2:]])
        connection.execute("UPDATE blocks SET data = ? WHERE id = (SELECT min(id) FROM blocks)", (broken,))
    assert len(embedded.find_damage()) == 1
    damaged, sound = sorted(len(embedded.read(number, 0, EVER)) for number in numbers(embedded).values())
    assert damaged < sound == 500


def test_a_copy_made_while_it_is_written_is_a_store(stores, tmp_path):
    write(stores.make())
    beside = stores.make_command(read_only=True)
    if isinstance(stores, Postgres):
        with pytest.raises(NotAvailable) as refused:
            beside.back_up(tmp_path / "copy")
        assert "pg_dump --schema=" in refused.value.fix
        return
    beside.back_up(tmp_path / "copy")
    copy = stores.make("copy")
    assert len(copy.read(numbers(copy)[OTHER.series.text], 0, EVER)) == 500


def test_a_deleted_series_is_gone_for_good_with_what_events_say_of_it(store):
    write(store)
    store.append([], [Event(NOON, "alert", "lamp", "Power (owner=unmistakable-secret) is high")])
    store.append([], [Event(NOON, "alert", "lamp", "Power (owner=somebody-else) is high")])
    gone = store.delete_series(Selector.parse('{owner="unmistakable-secret"}'), NOON + DAY)
    assert gone == [SECRET.series.text]
    assert [kept.series.text for _, kept in store.catalogue] == [OTHER.series.text]
    assert [event.text for event in store.events(0, EVER)] == ["Power (owner=somebody-else) is high"]
    assert len(store.read(numbers(store)[OTHER.series.text], 0, EVER)) == 500
    store.seal(NOON + DAY)
    assert store.find_damage() == []


def test_a_deleted_series_leaves_no_byte_of_its_labels(embedded):
    write(embedded)
    embedded.append([], [Event(NOON, "alert", "lamp", "Power (owner=unmistakable-secret) is high")])
    (embedded.folder / "history.db.corrupt-1").write_bytes(b"unmistakable-secret")
    embedded.delete_series(Selector.parse('{owner="unmistakable-secret"}'), NOON + DAY)
    assert [file for file in embedded.folder.iterdir() if b"unmistakable" in file.read_bytes()] == []
    embedded.close()
    assert [file for file in embedded.folder.iterdir() if b"unmistakable" in file.read_bytes()] == []

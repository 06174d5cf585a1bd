"""Checking, copying and deleting."""

from collector_core.history import maintenance
from collector_core.history.blocks import DAY
from collector_core.history.interface import EVER, Event, Sample
from collector_core.history.store import Store
from collector_core.model.selector import Selector
from tests.core.history.conftest import NOON, STEPS, kept

SECRET = kept(owner="unmistakable-secret")
OTHER = kept(owner="somebody-else")


def write(store, count=500):
    for series in (SECRET, OTHER):
        store.append([Sample(series, NOON + 10_000 * each, each / 10, 0.0) for each in range(count)])


def test_a_sound_store_has_no_problems_and_a_flipped_bit_is_one(store):
    write(store)
    store.seal(NOON + DAY)
    assert maintenance.problems(store) == []
    with store.database.transaction() as connection:
        ((data,),) = connection.execute("SELECT data FROM blocks LIMIT 1").fetchall()
        broken = bytes([*data[:-3], data[-3] ^ 4, *data[-2:]])
        connection.execute("UPDATE blocks SET data = ? WHERE id = (SELECT min(id) FROM blocks)", (broken,))
    assert len(maintenance.problems(store)) == 1
    damaged, sound = sorted(len(store.read(number, 0, EVER)) for number, _ in store.catalogue)
    assert damaged < sound == 500


def test_a_copy_made_while_it_is_written_is_a_store(store, tmp_path):
    write(store)
    beside = Store(store.folder, read_only=True)
    beside.open()
    maintenance.back_up(beside, tmp_path / "copy")
    beside.close()
    copy = Store(tmp_path / "copy", STEPS)
    copy.open()
    number, _ = copy.catalogue.find(OTHER.series.text)
    assert len(copy.read(number, 0, EVER)) == 500
    copy.close()


def test_a_deleted_series_leaves_no_byte_of_its_labels(store):
    write(store)
    store.append([], [Event(NOON, "alert", "lamp", "Power (owner=unmistakable-secret) is high")])
    (store.folder / "history.db.corrupt-1").write_bytes(b"unmistakable-secret")
    gone = maintenance.delete_series(store, Selector.parse('{owner="unmistakable-secret"}'), NOON + DAY)
    assert gone == [SECRET.series.text]
    assert [file for file in store.folder.iterdir() if b"unmistakable" in file.read_bytes()] == []
    number, _ = store.catalogue.find(OTHER.series.text)
    assert len(store.read(number, 0, EVER)) == 500
    store.close()
    assert [file for file in store.folder.iterdir() if b"unmistakable" in file.read_bytes()] == []

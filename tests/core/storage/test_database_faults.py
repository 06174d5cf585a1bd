"""A database opens by itself, whatever happened to its file, and loses nothing that was acknowledged."""

import errno
import os
import random
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector_core.storage import Database, Schema, StorageError, StorageReason

TABLE = ("CREATE TABLE item (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT",)
SCHEMA = Schema([TABLE], salvage=("item",))
PAGE = 4096


def add(database, *texts):
    with database.transaction() as connection:
        connection.executemany("INSERT INTO item (text) VALUES (?)", [(text,) for text in texts])


def kept(database):
    return [text for (text,) in database.rows("SELECT text FROM item ORDER BY id")]


@pytest.fixture
def database():
    """Makes databases, which are closed at the end."""
    made = []

    def make(path, schema=SCHEMA, **settings):
        made.append(Database(path, schema, **{"busy_seconds": 0.05} | settings))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def filled(tmp_path, database):
    """A closed file with 400 rows on some hundred pages."""
    made = database(tmp_path / "a.db")
    add(made, *(f"{number:03} {'x' * 1000}" for number in range(400)))
    made.close()
    return made.path


def numbers(database):
    return [int(text[:3]) for text in kept(database)]


# killed


KILLED = """
import os, random, signal, sys, time
from pathlib import Path
from collector_core.storage import Database, Schema

path, synchronous, wal = Path(sys.argv[1]), sys.argv[2], sys.argv[3] == "wal"
schema = Schema([("CREATE TABLE item (id INTEGER PRIMARY KEY, half INTEGER NOT NULL) STRICT",)])
moments, acknowledged = random.Random(1), 0

def opened():
    return Database(path, schema, synchronous=synchronous, wal=wal, exclusive=True)

def write(acknowledge, number):
    database = opened()
    while True:
        number += 1
        with database.transaction() as connection:
            for half in (0, 1):
                connection.execute("INSERT INTO item (half) VALUES (?)", (2 * number + half,))
        os.write(acknowledge, b"%d " % number)

for round_ in range(100):
    reading, writing = os.pipe()
    if not (child := os.fork()):
        write(writing, acknowledged)
    os.close(writing)
    first = os.read(reading, 100) if round_ % 2 else b""  # the other half is killed while it opens, too
    time.sleep(moments.uniform(0.0, 0.03))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    told = (first + os.fdopen(reading, "rb").read()).split()
    database = opened()
    halves = [half for (half,) in database.rows("SELECT half FROM item ORDER BY id")]
    assert database.set_aside is None
    database.close()
    assert halves == list(range(2, len(halves) + 2)), "in order, nothing half"
    assert len(halves) % 2 == 0
    assert len(halves) // 2 >= (int(told[-1]) if told else acknowledged)
    acknowledged = len(halves) // 2
print(acknowledged)
"""


@pytest.mark.parametrize(("synchronous", "journal"), [("FULL", "wal"), ("NORMAL", "wal"), ("FULL", "delete")])
def test_being_killed_a_hundred_times_loses_nothing_that_was_acknowledged(tmp_path, script, synchronous, journal):
    assert int(script(KILLED, tmp_path / "a.db", synchronous, journal)[0]) >= 50


# broken


GARBAGE = {
    "text": b"this is no database " * 400,
    "zeros": b"\0" * 8192,
    "header": b"SQLite format 3\0" + b"\0" * 200,
    "noise": random.Random(1).randbytes(20_000),
}


@pytest.mark.parametrize("content", GARBAGE.values(), ids=GARBAGE)
def test_garbage_is_set_aside_as_it_is_and_a_new_file_begun(tmp_path, database, content):
    file = tmp_path / "a.db"
    file.write_bytes(content)
    subject = database(file)
    add(subject, "new")
    assert kept(subject) == ["new"]
    assert subject.set_aside.read_bytes() == content
    assert subject.set_aside.name.startswith("a.db.corrupt-2")
    assert subject.set_aside.parent == tmp_path
    assert file.stat().st_mode & 0o077 == 0


def test_the_log_of_a_broken_file_goes_with_it(tmp_path, database):
    beside = ["a.db-wal", "a.db-shm"]
    for name in ["a.db", *beside]:
        (tmp_path / name).write_bytes(name.encode() * 1000)
    subject = database(tmp_path / "a.db", wal=False)
    add(subject, "new")
    for name in beside:
        assert subject.set_aside.with_name(name.replace("a.db", subject.set_aside.name)).exists()
        assert not (tmp_path / name).exists()
    assert Path(f"{subject.set_aside}-wal").read_bytes() == b"a.db-wal" * 1000
    assert kept(subject) == ["new"]


@pytest.mark.parametrize("content", [b"", b"x"])
def test_a_file_with_nothing_in_it_is_begun(tmp_path, database, content):
    (tmp_path / "a.db").write_bytes(content)
    subject = database(tmp_path / "a.db")
    add(subject, "new")
    assert subject.set_aside is None


def test_each_broken_file_keeps_a_name_of_its_own(tmp_path, database):
    for number in range(3):
        (tmp_path / "a.db").write_bytes(b"%d" % number * 1000)
        subject = database(tmp_path / "a.db")
        subject.open()
        subject.close()
    asides = sorted(tmp_path.glob("a.db.corrupt-*"))
    assert sorted(each.read_bytes()[:1] for each in asides) == [b"0", b"1", b"2"]


def test_what_can_be_read_on_both_sides_of_a_broken_page_is_taken_over(database, filled):
    content = bytearray(filled.read_bytes())
    content[60 * PAGE : 62 * PAGE] = os.urandom(2 * PAGE)
    filled.write_bytes(content)
    subject = database(filled)
    found = numbers(subject)
    assert sorted(each.name for each in filled.parent.iterdir() if "corrupt" in each.name) == [subject.set_aside.name]
    assert found == sorted(set(found))
    assert {0, 399} <= set(found)
    assert 380 <= len(found) < 400
    assert subject.set_aside.read_bytes() == bytes(content)
    add(subject, "400")
    assert numbers(subject) == [*found, 400]


def assert_corrupt(database, file, *, read_only):
    """Whoever reads is told that the file is corrupt; whoever writes sets it aside and goes on."""
    if read_only:
        with pytest.raises(StorageError) as caught:
            numbers(database(file, read_only=True))
        assert caught.value.storage_reason is StorageReason.CORRUPT
        return
    subject = database(file)
    add(subject, "new")
    assert subject.set_aside


@pytest.mark.parametrize(
    ("old", "new"), [(b"CREATE TABLE item", b"\xffREATE TABLE item"), (b"TEXT NOT", b"TEXT\xff\xfe\xfd,")]
)
@pytest.mark.parametrize("read_only", [False, True])
def test_a_damaged_schema_counts_as_corrupt(database, filled, old, new, read_only):
    content = filled.read_bytes()
    assert content.count(old) == 1
    filled.write_bytes(content.replace(old, new))
    assert_corrupt(database, filled, read_only=read_only)


@pytest.mark.parametrize("read_only", [False, True])
def test_a_damaged_header_counts_as_corrupt(database, filled, read_only):
    content = bytearray(filled.read_bytes())
    content[44:48] = b"\xff\xff\xff\xff"  # the format of the schema
    filled.write_bytes(content)
    assert_corrupt(database, filled, read_only=read_only)


def test_rows_that_lie_in_the_order_of_their_key_are_taken_over_too(tmp_path, database):
    table = "CREATE TABLE item (place INTEGER NOT NULL, word TEXT NOT NULL, PRIMARY KEY (place, word)) WITHOUT ROWID"
    schema = Schema([(table,)], salvage=("item",))
    file = tmp_path / "a.db"
    made = database(file, schema)
    with made.transaction() as connection:
        connection.executemany(
            "INSERT INTO item VALUES (?, ?)", [(number // 10, f"{number:0500}") for number in range(900)]
        )
    made.close()
    with file.open("r+b") as stream:
        stream.seek(file.stat().st_size // PAGE // 2 * PAGE)
        stream.write(b"\xff" * PAGE)
    subject = database(file, schema)
    found = [int(word) for (word,) in subject.rows("SELECT word FROM item ORDER BY place, word")]
    assert subject.set_aside is not None
    assert {0, 899} <= set(found)
    assert 700 < len(found) < 900


@pytest.mark.parametrize(
    ("damage", "missing"),
    [("DROP TABLE other", "other"), ("ALTER TABLE other DROP COLUMN word", "other.word")],
)
def test_a_file_that_lacks_a_table_or_a_column_is_set_aside_and_the_rest_taken_over(tmp_path, damage, missing):
    schema = Schema(
        [
            (
                "CREATE TABLE item (id INTEGER PRIMARY KEY) STRICT",
                "CREATE TABLE other (id INTEGER PRIMARY KEY, word TEXT)",
            )
        ],
        salvage=("item", "other"),
    )
    file = tmp_path / "a.db"
    with closing(Database(file, schema)) as subject, subject.transaction() as connection:
        connection.executemany("INSERT INTO item VALUES (?)", [(1,), (2,)])
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(damage)

    with (
        closing(Database(file, schema, read_only=True)) as reader,
        pytest.raises(StorageError, match=missing) as caught,
    ):
        reader.rows("SELECT id FROM item")
    assert caught.value.storage_reason is StorageReason.CORRUPT
    with closing(Database(file, schema)) as subject:
        assert subject.rows("SELECT id FROM item") == [(1,), (2,)]
        assert subject.rows("SELECT word FROM other") == []
        assert subject.set_aside.exists()


@pytest.mark.parametrize("version", [-1, -(2**31)])
def test_a_version_that_is_none_counts_as_corrupt(database, filled, version):
    with closing(sqlite3.connect(filled)) as connection:
        connection.execute(f"PRAGMA user_version = {version}")
    subject = database(filled)
    assert numbers(subject) == list(range(400))
    assert subject.set_aside.exists()


def test_a_file_that_cannot_be_migrated_because_a_table_is_missing_is_set_aside(tmp_path):
    first = ("CREATE TABLE item (id INTEGER PRIMARY KEY) STRICT", "CREATE TABLE old (id INTEGER PRIMARY KEY) STRICT")
    file = tmp_path / "a.db"
    with closing(Database(file, Schema([first]))) as subject, subject.transaction() as connection:
        connection.execute("INSERT INTO item VALUES (7)")
        connection.execute("DROP TABLE old")

    with closing(Database(file, Schema([first, ("DROP TABLE old",)], salvage=("item",)))) as subject:
        assert subject.rows("SELECT id FROM item") == [(7,)]
        assert subject.set_aside.exists()


def test_what_was_taken_over_is_taken_over_once(database, filled):
    os.truncate(filled, 60 * PAGE)
    subject = database(filled)
    assert len(numbers(subject)) > 50
    with subject.transaction() as connection:
        connection.execute("DELETE FROM item")
    subject.close()
    assert numbers(subject) == []


def test_a_file_that_was_cut_off_gives_its_first_rows(database, filled):
    os.truncate(filled, 60 * PAGE)
    found = numbers(database(filled))
    assert found == list(range(len(found)))
    assert len(found) > 50


def test_rows_in_the_log_of_a_broken_file_are_taken_over_and_the_log_is_left_to_no_other(tmp_path, database, script):
    code = """
import os, sys
from pathlib import Path
from collector_core.storage import Database, Schema
table = ("CREATE TABLE item (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT",)
database = Database(Path(sys.argv[1]), Schema([table]))
with database.transaction() as connection:
    connection.executemany("INSERT INTO item (text) VALUES (?)", [(f"{n:03} {'x' * 1000}",) for n in range(400)])
database.rows("PRAGMA wal_checkpoint(TRUNCATE)")
with database.transaction() as connection:
    connection.execute("INSERT INTO item (text) VALUES ('400')")
os._exit(0)
"""
    file = tmp_path / "a.db"
    script(code, file)
    content = bytearray(file.read_bytes())
    content[60 * PAGE : 62 * PAGE] = os.urandom(2 * PAGE)
    file.write_bytes(content)
    subject = database(file)
    found = numbers(subject)
    assert {0, 399, 400} <= set(found)
    subject.close()
    assert database(file).rows("SELECT max(text) FROM item") == [("400",)]


def test_what_an_old_version_kept_is_taken_over_into_the_new_columns(database, filled):
    os.truncate(filled, 60 * PAGE)
    subject = database(filled, Schema([TABLE, ("ALTER TABLE item ADD COLUMN note TEXT",)], salvage=("item", "absent")))
    assert subject.rows("SELECT text, note FROM item WHERE id = 1") == [(f"000 {'x' * 1000}", None)]


def test_a_row_that_breaks_a_rule_costs_no_other(tmp_path, database):
    file = tmp_path / "a.db"
    with closing(sqlite3.connect(file)) as connection:  # as another version might have left it
        connection.execute("CREATE TABLE item (id INTEGER PRIMARY KEY, text TEXT)")
        connection.executemany("INSERT INTO item (text) VALUES (?)", [("a",), (None,), (b"blob",), ("c",)])
        connection.execute("CREATE TABLE many AS SELECT randomblob(1000) FROM item, item AS b, item AS c, item AS d")
        connection.execute("PRAGMA user_version = 1")
        connection.commit()
    os.truncate(file, file.stat().st_size - 5 * PAGE)
    assert kept(database(file)) == ["a", "c"]


def test_tables_that_are_not_to_be_taken_over_are_begun_anew(database, filled):
    os.truncate(filled, 60 * PAGE)
    assert numbers(database(filled, Schema([TABLE]))) == []


def refuse_bad(connection):
    if connection.execute("SELECT 1 FROM item WHERE text = 'bad'").fetchone():
        raise ValueError("an item is bad")


def test_content_that_is_refused_is_set_aside_and_not_taken_over(tmp_path, database):
    checked = Schema([TABLE], salvage=("item",), check=refuse_bad)
    first = database(tmp_path / "a.db", checked)
    add(first, "good", "bad")
    first.close()
    second = database(tmp_path / "a.db", checked)
    assert kept(second) == []
    assert second.set_aside
    add(second, "good")
    second.close()
    third = database(tmp_path / "a.db", checked)
    assert kept(third) == ["good"]
    assert third.set_aside is None


def test_a_file_that_breaks_while_it_is_open_is_set_aside_at_the_next_use(tmp_path, database, filled):
    subject = database(filled, wal=False, exclusive=True)
    subject.rows("PRAGMA cache_size = 1")
    with filled.open("r+b") as stream:
        stream.seek(10 * PAGE)
        stream.write(os.urandom(40 * PAGE))
    with pytest.raises(StorageError) as caught:
        kept(subject)
    assert caught.value.storage_reason is StorageReason.CORRUPT
    found = numbers(subject)
    assert subject.set_aside
    assert {0, 399} <= set(found)
    add(subject, "400")


def test_a_broken_file_that_others_have_open_is_left_to_them(database, filled):
    other = database(filled)
    other.open()
    with filled.open("r+b") as stream:
        stream.seek(10 * PAGE)
        stream.write(os.urandom(40 * PAGE))
    second = database(filled)
    with pytest.raises(StorageError) as caught:
        second.open()
    assert caught.value.storage_reason is StorageReason.CORRUPT
    assert second.set_aside is None
    other.close()
    assert {0, 399} <= set(numbers(second))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.data())
def test_whatever_a_file_says_it_is_used_or_set_aside_or_refused_as_newer(tmp_path_factory, filled, data):
    content = bytearray(filled.read_bytes())
    for _ in range(data.draw(st.integers(0, 4))):
        start = data.draw(st.integers(0, len(content) - 1))
        noise = data.draw(st.binary(min_size=1, max_size=300))
        content[start : start + len(noise)] = noise
    del content[data.draw(st.integers(0, len(content))) :]
    file = tmp_path_factory.mktemp("any") / "a.db"
    file.write_bytes(content)
    with closing(Database(file, SCHEMA)) as subject:
        for _ in range(2):  # what a check of the pages does not see is found when it is read
            try:
                add(subject, "new")
                assert kept(subject)[-1] == "new"
                return
            except StorageError as error:
                last = error.storage_reason
        assert last is StorageReason.NEWER_SCHEMA, last


def test_a_letter_that_the_disk_has_changed_costs_itself(tmp_path, database):
    subject = database(tmp_path / "a.db")
    add(subject, "a", "Grüße", "c")
    subject.close()
    subject.path.write_bytes(subject.path.read_bytes().replace("ü".encode(), b"u\xff"))
    assert kept(subject) == ["a", "Gru\ufffdße", "c"]


# refused by the disk


def test_a_full_disk_keeps_what_was_acknowledged_and_is_written_again_when_there_is_room(disk, database):
    subject = database(disk.folder / "a.db")
    add(subject, "first")
    disk.fill()
    with pytest.raises(StorageError) as caught:
        for _ in range(200):
            add(subject, "x" * 10_000)
    assert caught.value.storage_reason is StorageReason.DISK_FULL
    assert "free up space" in caught.value.fix
    assert kept(subject)[0] == "first"
    before = len(kept(subject))
    disk.free()
    add(subject, "last")
    assert kept(subject)[-1] == "last"
    assert len(kept(subject)) == before + 1


@pytest.mark.parametrize("wal", [True, False])
def test_a_disk_that_is_full_at_the_start_is_told_and_tried_again(disk, database, wal):
    subject = database(disk.folder / "a.db", wal=wal)
    disk.fill()
    for _ in range(2):
        with pytest.raises(StorageError) as caught:
            add(subject, "x")
        assert caught.value.storage_reason is StorageReason.DISK_FULL
    disk.free()
    add(subject, "last")
    assert kept(subject) == ["last"]


def test_without_a_log_a_file_opens_on_a_full_disk(disk, database):
    add(database(disk.folder / "a.db", wal=False), "first")
    disk.fill()
    assert kept(database(disk.folder / "a.db", wal=False)) == ["first"]


def test_what_was_broken_is_taken_over_when_there_is_room(disk, database):
    file = disk.folder / "a.db"
    made = database(file)
    add(made, *(f"{number:03} {'x' * 500}" for number in range(100)))
    made.close()
    os.truncate(file, 8 * PAGE)
    disk.fill()
    subject = database(file)
    with pytest.raises(StorageError) as caught:
        subject.open()
    assert caught.value.storage_reason is StorageReason.DISK_FULL
    disk.free()
    assert numbers(subject)[:10] == list(range(10))


def test_a_disk_that_can_only_be_read_is_told_and_tried_again(remountable_disk, database):
    folder, remount = remountable_disk
    subject = database(folder / "a.db", exclusive=True)
    add(subject, "first")
    subject.close()
    remount("ro")
    for _ in range(2):
        with pytest.raises(StorageError, match="cannot be written") as caught:
            add(subject, "second")
        assert caught.value.storage_reason is StorageReason.READ_ONLY
    with pytest.raises(StorageError) as caught:
        database(folder / "new.db").open()
    assert caught.value.storage_reason is StorageReason.READ_ONLY
    remount("rw")
    add(subject, "second")
    assert kept(subject) == ["first", "second"]


def test_a_file_that_turns_read_only_while_it_is_open_is_told_and_used_again_later(tmp_path, database):
    subject = database(tmp_path / "a.db")
    add(subject, "first")
    subject.rows("PRAGMA query_only = 1")  # what SQLite says then
    with pytest.raises(StorageError) as caught:
        add(subject, "second")
    assert caught.value.storage_reason is StorageReason.READ_ONLY
    add(subject, "second")
    assert kept(subject) == ["first", "second"]


@pytest.mark.parametrize("kind", ["link", "dangling link", "folder", "pipe"])
def test_what_is_no_file_is_refused_and_left(tmp_path, database, kind):
    path, precious = tmp_path / "a.db", tmp_path / "precious.db"
    if kind == "link":
        add(database(precious), "precious")
    if "link" in kind:
        path.symlink_to(precious)
    elif kind == "folder":
        path.mkdir()
    else:
        os.mkfifo(path)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(StorageError, match="not a regular file") as caught:
        database(path).open()
    assert caught.value.storage_reason is StorageReason.READ_ONLY
    assert sorted(tmp_path.iterdir()) == before


def test_a_link_under_the_name_of_the_lock_is_refused(tmp_path, database):
    (tmp_path / "a.db.lock").symlink_to(tmp_path / "precious")
    with pytest.raises(StorageError) as caught:
        database(tmp_path / "a.db").open()
    assert caught.value.storage_reason is StorageReason.READ_ONLY
    assert not (tmp_path / "precious").exists()


def test_a_folder_that_cannot_be_made_is_told(tmp_path, database):
    (tmp_path / "file").touch()
    for path in (tmp_path / "file/a.db", Path("/proc/no-such-folder/a.db")):
        with pytest.raises(StorageError) as caught:
            database(path).open()
        assert caught.value.storage_reason is StorageReason.READ_ONLY


def test_a_broken_file_that_cannot_be_renamed_is_told_and_the_lock_let_go(tmp_path, database, monkeypatch):
    (tmp_path / "a.db").write_bytes(GARBAGE["text"])
    subject, other = database(tmp_path / "a.db", exclusive=True), database(tmp_path / "a.db", exclusive=True)

    def refuse(*_):
        raise PermissionError(errno.EPERM, "Operation not permitted")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", refuse)
        for each in (subject, other):
            with pytest.raises(StorageError, match="not permitted") as caught:
                each.open()
            assert caught.value.storage_reason is StorageReason.READ_ONLY
    add(other, "new")
    assert other.set_aside


def test_a_new_file_is_on_the_disk_with_its_name(tmp_path, database, monkeypatch):
    seen, real = [], os.fsync

    def fsync(descriptor):
        seen.append(Path(f"/proc/self/fd/{descriptor}").readlink())
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    database(tmp_path / "a.db").open()
    assert seen == [tmp_path]


def test_a_failure_leaves_no_descriptor_and_no_lock_behind(tmp_path, database):
    def descriptors():
        return len(list(Path("/proc/self/fd").iterdir()))

    newer = database(tmp_path / "a.db", Schema([TABLE, ()]))
    newer.open()
    newer.close()
    before = descriptors()
    for _ in range(3):
        with suppress(StorageError):
            database(tmp_path / "a.db").open()
    assert descriptors() == before
    database(tmp_path / "a.db", Schema([TABLE, ()]), exclusive=True).open()


def test_damage_to_an_open_file_that_memory_hides_is_found_by_a_check_and_set_aside(database, filled):
    subject = database(filled)
    subject.check()
    with filled.open("r+b") as file:
        file.seek(3 * PAGE)
        file.write(b"\xff" * 2 * PAGE)
    add(subject, "hidden")
    with pytest.raises(StorageError) as caught:
        subject.check()
    assert caught.value.storage_reason is StorageReason.CORRUPT
    add(subject, "new")
    assert subject.set_aside.exists()
    subject.check()
    subject.close()
    subject.open()
    assert subject.set_aside is None, "the new file was sound when it was opened"

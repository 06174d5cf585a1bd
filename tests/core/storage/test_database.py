"""A database keeps what it was told, opens files of every age, and lets in whom it should."""

import sqlite3
import stat
import threading
from contextlib import closing

import pytest

from collector_core import Reason
from collector_core.storage import Database, Schema, StorageError, StorageReason
from collector_core.storage.file_lock import FileLock

TABLE = ("CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT",)
SCHEMA = Schema([TABLE])
PROGRAM = """
import os, sys
from pathlib import Path
from collector_core.storage import Database, Schema

def add(database, name):
    with database.transaction() as connection:
        connection.execute("INSERT INTO item (name) VALUES (?)", (name,))

path, table = Path(sys.argv[1]), ("CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT",)
"""
ADD = "INSERT INTO item (name) VALUES (?)"
ALL = "SELECT name FROM item ORDER BY id"


@pytest.fixture
def file(tmp_path):
    return tmp_path / "folder/a.db"


@pytest.fixture
def database(file):
    """Makes databases of one file, which are closed at the end."""
    made = []

    def make(schema=SCHEMA, path=file, **settings):
        made.append(Database(path, schema, **{"busy_seconds": 0.05} | settings))
        return made[-1]

    yield make
    for each in made:
        each.close()


def add(database, *names):
    with database.transaction() as connection:
        for name in names:
            connection.execute(ADD, (name,))


def kept(database):
    return [name for (name,) in database.rows(ALL)]


def pragma(database, name):
    return database.rows(f"PRAGMA {name}")[0][0]


def test_what_is_written_is_there_the_next_time(database):
    first = database()
    add(first, "a", "b")
    first.close()
    first.close()
    second = database()
    assert kept(second) == ["a", "b"]
    assert second.rows("SELECT id FROM item WHERE name = ?", ("b",)) == [(2,)]
    assert second.set_aside is None


def test_nothing_is_made_before_it_is_used(database, file):
    made = database()
    assert not file.parent.exists()
    made.open()
    made.open()
    assert file.exists()


def test_it_is_used_again_after_it_was_closed(database):
    subject = database()
    add(subject, "a")
    subject.close()
    assert kept(subject) == ["a"]


def test_it_is_for_its_owner_alone(database, file):
    subject = database()
    add(subject, "a")
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert {stat.S_IMODE(each.stat().st_mode) for each in file.parent.iterdir()} == {0o600}
    subject.close()
    file.chmod(0o644)
    subject.open()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize("name", ["a?mode=memory.db", "a#b%20.db", "file:a.db", "ä b.db"])
def test_any_name_is_a_file_of_that_name(database, file, name):
    path = file.with_name(name)
    for read_only in (False, True):
        subject = database(path=path, read_only=read_only)
        if not read_only:
            add(subject, "a")
            subject.close()
        assert kept(subject) == ["a"]
        subject.close()
    assert sorted(each.name for each in file.parent.iterdir() if each.suffix == ".db") == [name]


def test_a_block_that_raises_leaves_nothing(database):
    subject = database()
    with pytest.raises(ZeroDivisionError), subject.transaction() as connection:
        connection.execute(ADD, ("a",))
        raise ZeroDivisionError
    assert kept(subject) == []
    add(subject, "b")
    assert kept(subject) == ["b"]


def test_a_statement_that_breaks_a_rule_is_sqlites_own_error_and_leaves_nothing(database):
    subject = database()
    add(subject, "a")
    with pytest.raises(sqlite3.IntegrityError):
        add(subject, "b", "a")
    assert kept(subject) == ["a"]


def test_a_statement_that_is_nonsense_is_told_and_costs_nothing_else(database):
    subject = database(exclusive=True)
    with pytest.raises(StorageError, match="no such table: absent") as caught:
        subject.rows("SELECT * FROM absent")
    assert caught.value.storage_reason is StorageReason.FAILED
    with pytest.raises(StorageError) as caught:
        database().open()
    assert caught.value.storage_reason is StorageReason.LOCKED, "the lock is still held"
    add(subject, "a")
    assert kept(subject) == ["a"]


def test_one_in_memory_leaves_no_file(database, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    subject = database(path=Database.IN_MEMORY, exclusive=True)
    add(subject, "a")
    assert kept(subject) == ["a"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("settings", "journal"), [({}, "wal"), ({"wal": False}, "delete")])
def test_the_journal_is_the_callers_choice(database, settings, journal):
    assert pragma(database(**settings), "journal_mode") == journal


@pytest.mark.parametrize(
    ("settings", "number"), [({}, 2), ({"synchronous": "FULL"}, 2), ({"synchronous": "NORMAL"}, 1)]
)
def test_durability_is_the_callers_choice(database, settings, number):
    assert pragma(database(**settings), "synchronous") == number


def test_it_waits_for_others_as_long_as_it_was_told(database):
    assert pragma(database(busy_seconds=1.5), "busy_timeout") == 1500
    assert pragma(database(busy_seconds=1.5, read_only=True), "busy_timeout") == 1500
    assert pragma(Database(Database.IN_MEMORY, SCHEMA), "busy_timeout") == 5000


# versions of the schema


COLUMN = ("ALTER TABLE item ADD COLUMN note TEXT", "CREATE INDEX by_note ON item (note)")


def test_an_older_file_is_brought_up_to_date(database):
    old = database()
    add(old, "a")
    old.close()
    new = database(Schema([TABLE, COLUMN, ("CREATE TABLE other (x)",)]))
    assert new.rows("SELECT name, note FROM item") == [("a", None)]
    assert pragma(new, "user_version") == 3


def test_a_migration_that_fails_leaves_the_version_before_it(database):
    old = database()
    add(old, "a")
    old.close()
    with pytest.raises(StorageError, match="already exists") as caught:
        database(Schema([TABLE, COLUMN, ("CREATE TABLE other (x)", "CREATE TABLE item (x)")])).open()
    assert caught.value.storage_reason is StorageReason.FAILED
    known = database(Schema([TABLE, COLUMN]))
    assert known.rows("SELECT name, note FROM item") == [("a", None)]
    assert known.rows("SELECT name FROM sqlite_master WHERE name = 'other'") == []


def test_a_file_that_is_up_to_date_is_migrated_no_more(database):
    add(database(), "a")
    assert kept(database()) == ["a"], "its first migration would fail"


def test_a_newer_file_is_refused_and_not_touched(database, file, script):
    """Even one that a killed process left with a log."""
    code = """
database = Database(path, Schema([table, ("ALTER TABLE item ADD COLUMN note TEXT",)]))
add(database, "a")
os._exit(0)
"""
    script(PROGRAM + code, file)
    before = {each.name: each.read_bytes() for each in file.parent.iterdir() if not each.name.endswith("-shm")}
    assert before["a.db-wal"]
    with pytest.raises(StorageError, match="it has schema 2, this energy-collector supports 1") as caught:
        database().open()
    assert caught.value.storage_reason is StorageReason.NEWER_SCHEMA
    assert caught.value.reason is Reason.NOT_SUPPORTED
    assert "--upgrade" in caught.value.fix
    assert {name: (file.parent / name).read_bytes() for name in before} == before
    assert database(Schema([TABLE, COLUMN])).rows("SELECT name FROM item") == [("a",)]


def test_a_newer_file_that_only_a_writer_could_look_at_is_refused_too(database, file, monkeypatch):
    newer = database(Schema([TABLE, COLUMN]))
    add(newer, "a")
    newer.close()
    before = sorted(file.parent.iterdir())
    with pytest.raises(StorageError, match="schema 2"):
        database().open()
    assert sorted(file.parent.iterdir()) == before
    monkeypatch.setattr(Database, "_refuse_newer", lambda self: None)
    with pytest.raises(StorageError, match="schema 2"):
        database().open()
    assert kept(database(Schema([TABLE, COLUMN]))) == ["a"]


# others beside


def test_several_write_at_once(database):
    first, second = database(), database()
    add(first, "a")
    add(second, "b")
    add(first, "c")
    assert kept(second) == ["a", "b", "c"]


def test_one_that_is_exclusive_lets_nobody_else_write_until_it_is_closed(database):
    first = database(exclusive=True)
    add(first, "a")
    for settings in ({}, {"exclusive": True}):
        with pytest.raises(StorageError, match="another process has it open") as caught:
            database(**settings).open()
        assert caught.value.storage_reason is StorageReason.LOCKED
    first.close()
    add(database(exclusive=True), "b")


def test_one_that_is_exclusive_waits_until_others_have_closed(database):
    first, second = database(), database(exclusive=True)
    add(first, "a")
    with pytest.raises(StorageError) as caught:
        second.open()
    assert caught.value.storage_reason is StorageReason.LOCKED
    first.close()
    add(second, "b")
    assert kept(second) == ["a", "b"]


@pytest.mark.parametrize("settings", [{"exclusive": True}, {}])
def test_one_that_finds_the_file_in_use_waits_a_while(database, file, settings):
    file.parent.mkdir()
    holder = FileLock(file.with_name("a.db.lock"))
    assert holder.acquire(shared=False, wait_seconds=0)
    threading.Timer(0.1, holder.release).start()
    add(database(busy_seconds=60.0, **settings), "a")


def test_one_that_may_not_open_keeps_nobody_out(database):
    first = database()
    first.open()
    with pytest.raises(StorageError):
        database(exclusive=True).open()
    add(database(), "a")
    assert kept(first) == ["a"]


def test_one_that_only_reads_works_beside_and_writes_nothing(database, file):
    first = database(exclusive=True)
    add(first, "a")
    reader = database(read_only=True)
    assert kept(reader) == ["a"]
    add(first, "b")
    assert kept(reader) == ["a", "b"]
    with pytest.raises(StorageError) as caught:
        add(reader, "c")
    assert caught.value.storage_reason is StorageReason.READ_ONLY


def test_one_that_only_reads_makes_brings_up_to_date_and_sets_aside_nothing(database, file):
    with pytest.raises(StorageError, match="unable to open") as caught:
        database(read_only=True).open()
    assert caught.value.storage_reason is StorageReason.READ_ONLY
    assert not file.parent.exists()
    database().open()
    with pytest.raises(StorageError, match="it has schema 1 and must be migrated to 2 first") as caught:
        database(Schema([TABLE, COLUMN]), read_only=True).open()
    with pytest.raises(StorageError, match="schema 1, this energy-collector supports 0"):
        database(Schema([]), read_only=True).open()
    garbage = file.with_name("garbage")
    garbage.write_bytes(b"garbage" * 1000)
    with pytest.raises(StorageError) as caught:
        database(path=garbage, read_only=True).open()
    assert caught.value.storage_reason is StorageReason.CORRUPT
    assert garbage.read_bytes() == b"garbage" * 1000


def test_what_sqlite_itself_has_locked_is_waited_for_and_then_told(database, file):
    subject = database()
    add(subject, "a")
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageError, match="locked") as caught:
            add(subject, "b")
        assert caught.value.storage_reason is StorageReason.LOCKED
        assert kept(subject) == ["a"]
    add(subject, "b")
    assert kept(subject) == ["a", "b"]


HOLDER = """
database = Database(path, Schema([table]), exclusive=True)
add(database, "first process")
print("ready", flush=True)
sys.stdin.read()
"""


def test_a_second_process_is_refused_and_takes_over_when_the_first_is_killed(database, file, start):
    holder = start(PROGRAM + HOLDER, file)
    second = database(exclusive=True)
    for _ in range(2):
        with pytest.raises(StorageError) as caught:
            add(second, "x")
        assert caught.value.storage_reason is StorageReason.LOCKED
    assert kept(database(read_only=True)) == ["first process"]
    holder.kill()
    holder.wait()
    add(second, "second process")
    assert kept(second) == ["first process", "second process"]


RACER = """
print("ready", flush=True)
sys.stdin.readline()
database = Database(path, Schema([table]))
for number in range(20):
    add(database, f"{sys.argv[2]} {number}")
print(database.set_aside)
"""


def test_processes_that_begin_a_file_together_all_write(database, file, start):
    racers = [start(PROGRAM + RACER, file, name) for name in "abc"]
    for each in racers:
        each.stdin.write("go\n")
        each.stdin.flush()
    assert {each.communicate()[0].strip() for each in racers} == {"None"}
    assert len(kept(database())) == 60


def test_a_file_that_was_moved_away_is_begun_anew_and_the_moved_one_is_left(database, file):
    subject = database(exclusive=True)
    add(subject, "a")
    subject.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    file.rename(file.with_name("moved.db"))
    add(subject, "b")
    assert kept(subject) == ["b"]
    assert kept(database(path=file.with_name("moved.db"))) == ["a"]


def test_a_folder_that_was_deleted_is_made_again(database, file):
    subject = database(exclusive=True)
    add(subject, "a")
    for each in file.parent.iterdir():
        each.unlink()
    file.parent.rmdir()
    add(subject, "b")
    with pytest.raises(StorageError):
        database().open()
    assert kept(subject) == ["b"]


# copies


def test_a_backup_is_a_database_of_that_moment(database, file, tmp_path):
    subject = database(exclusive=True)
    add(subject, "a")
    target = tmp_path / "backup.db"
    subject.backup(target)
    add(subject, "b")
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert sorted(each.name for each in tmp_path.iterdir()) == ["backup.db", "folder"]
    copy = database(path=target)
    assert kept(copy) == ["a"]
    add(copy, "c")


def test_one_that_only_reads_makes_a_backup(database, tmp_path):
    add(database(exclusive=True), "a")
    database(read_only=True).backup(tmp_path / "backup.db")
    assert kept(database(path=tmp_path / "backup.db")) == ["a"]


def test_a_backup_that_cannot_be_written_is_told_and_the_old_one_stays(database, tmp_path, disk):
    subject = database()
    add(subject, "a")
    target = disk.folder / "backup.db"
    subject.backup(target)
    add(subject, *(f"{number} {'x' * 1000}" for number in range(1000)))
    disk.fill()
    with pytest.raises(StorageError, match=r"backup\.db") as caught:
        subject.backup(target)
    disk.free()
    assert caught.value.storage_reason is StorageReason.DISK_FULL
    assert [each.name for each in disk.folder.glob("*backup*")] == ["backup.db"]
    assert kept(database(path=target)) == ["a"]
    with pytest.raises(StorageError) as caught:
        subject.backup(tmp_path / "no/backup.db")
    assert caught.value.path == tmp_path / "no/backup.db"
    assert len(kept(subject)) == 1001

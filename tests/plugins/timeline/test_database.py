"""Against a real PostgreSQL: each row is written once, and whatever refuses is said without the password."""

import threading
from datetime import UTC, datetime

import pytest

from collector_core import NotAvailable, Reason, RecordsRefused
from collector_plugins.timeline.rows import Record
from tests.plugins.timeline.conftest import record
from tests.postgres import CREATE_TABLE, PASSWORD


def sources(postgres, **options):
    return [int(source.removeprefix("source_")) for (source,) in postgres.rows("source", **options)]


def refusal(call, *arguments, **options):
    with pytest.raises(NotAvailable) as refused:
        call(*arguments, **options)
    assert PASSWORD not in str(refused.value) + refused.value.fix
    return refused.value


def test_rows_are_written_with_all_they_say(timeline, postgres):
    postgres.create_table()
    timeline().send([record(1, name='Süd\t\\ "x" \'; --', fan=None)], may_repeat=False)
    ((event, source, value, metadata, created),) = postgres.rows()
    assert (event, source, value) == ("test", "source_1", 1)
    assert metadata == {"key": "key-1", "name": 'Süd\t\\ "x" \'; --', "fan": None}
    assert created == datetime.fromtimestamp(1_800_000_001, UTC)


def test_it_needs_no_right_but_select_and_insert(timeline, postgres):
    postgres.create_table()
    made = timeline()
    made.test()
    made.send([record(1)], may_repeat=True)
    assert sources(postgres) == [1]
    assert postgres.execute(
        "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    ) == [(1,)]


def test_a_test_writes_nothing(timeline, postgres):
    postgres.create_table()
    timeline().test()
    assert postgres.rows() == []


def test_what_may_have_arrived_is_not_written_twice(timeline, postgres):
    postgres.create_table()
    made = timeline()
    made.send([record(1), record(2)], may_repeat=False)
    made.send([record(2), record(3)], may_repeat=True)
    assert sources(postgres) == [1, 2, 3]


@pytest.mark.parametrize("early", [False, True], ids=["committed", "while it commits"])
def test_a_commit_whose_answer_was_lost_is_not_repeated(timeline, postgres, proxy, early):
    postgres.create_table()
    made = timeline(proxy.port)
    made.test()
    proxy.cut, proxy.cut_early = b"COMMIT", early
    refusal(made.send, [record(1), record(2)], may_repeat=False)
    assert proxy.cuts == 1
    made.send([record(1), record(2)], may_repeat=True)
    made.send([record(3)], may_repeat=False)
    assert sources(postgres) == [1, 2, 3]


def test_a_transaction_that_still_runs_is_waited_for_before_its_rows_are_looked_for(timeline, postgres, eventually):
    postgres.create_table()
    slow, made = timeline(), timeline()
    entered, go_on = threading.Event(), threading.Event()

    def write_slowly():
        with slow._database._transaction() as connection:
            slow._database._add(connection, [Record(*record(1))])
            entered.set()
            go_on.wait(60)

    writer = threading.Thread(target=write_slowly)
    writer.start()
    assert entered.wait(60)
    again = threading.Thread(target=made.send, args=([record(1)],), kwargs={"may_repeat": True})
    again.start()
    try:
        eventually(lambda: postgres.execute("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"), 20)
    finally:
        go_on.set()
    writer.join(60)
    again.join(60)
    assert sources(postgres) == [1]


def test_a_connection_that_died_between_two_batches_costs_nothing(timeline, postgres):
    postgres.create_table()
    made = timeline()
    made.send([record(1)], may_repeat=False)
    postgres.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{postgres.user}'")
    made.send([record(2)], may_repeat=False)
    assert sources(postgres) == [1, 2]


def test_a_server_that_freezes_is_given_up_and_used_again_later(timeline, postgres, proxy):
    postgres.create_table()
    made = timeline(proxy.port, timeout=0.5)
    made.test()
    proxy.frozen = True
    refusal(made.send, [record(1)], may_repeat=False)
    proxy.frozen = False
    made.send([record(1)], may_repeat=True)
    assert sources(postgres) == [1]


def test_a_server_that_is_away_is_named_with_its_address(timeline, postgres, proxy):
    proxy.away()
    error = refusal(timeline(proxy.port).test)
    assert error.reason is Reason.UNREACHABLE
    assert f"127.0.0.1:{proxy.port}/{postgres.name}" in str(error)
    assert "refused" in str(error)


def test_a_missing_table_is_named_and_not_created(timeline, postgres):
    for call, arguments in ((timeline().test, {}), (timeline().send, {"records": [record(1)], "may_repeat": False})):
        error = refusal(call, **arguments)
        assert 'table "unified_timeline" does not exist' in str(error)
        assert "create: true" in error.fix
    assert postgres.execute("SELECT to_regclass('unified_timeline')") == [(None,)]


def test_a_missing_table_is_created_where_that_is_allowed(timeline, postgres):
    postgres.execute(f"GRANT CREATE ON SCHEMA public TO {postgres.user}")
    made = timeline(create=True)
    made.send([record(1)], may_repeat=False)
    made.test()
    assert sources(postgres) == [1]


def test_without_the_right_to_create_it_says_so(timeline, postgres):
    error = refusal(timeline(create=True).test)
    assert error.reason is Reason.PERMISSION
    assert "permission denied for schema public" in str(error)


@pytest.mark.parametrize("rights", ["SELECT", "INSERT", ""])
def test_a_missing_right_is_said_with_what_grants_it(timeline, postgres, rights):
    postgres.create_table(rights=rights)
    error = refusal(timeline().test)
    assert error.reason is Reason.PERMISSION
    assert error.fix.startswith("GRANT SELECT, INSERT ON unified_timeline")


def test_a_wrong_password_is_said_without_it(timeline, postgres):
    postgres.create_table()
    postgres.execute(f"ALTER ROLE {postgres.user} PASSWORD 'another'")
    assert refusal(timeline().test).reason is Reason.AUTH


def test_a_missing_database_is_said(timeline, postgres):
    url = postgres.url().replace(postgres.name, "elsewhere")
    assert '"elsewhere" does not exist' in str(refusal(timeline(url=url).test))


def test_extra_columns_stay_as_they_are(timeline, postgres):
    postgres.create_table()
    postgres.execute(
        "ALTER TABLE unified_timeline ADD note text DEFAULT 'mine', ADD id bigint GENERATED ALWAYS AS IDENTITY"
    )
    timeline().send([record(1), record(2)], may_repeat=True)
    assert postgres.rows("note, id") == [("mine", 1), ("mine", 2)]


def test_names_are_taken_literally_whatever_is_in_them(timeline, postgres):
    names = {"event_type": 'Ty"pe', "source": "So urce", "value": "%s", "metadata": "met;a", "created_at": "select"}
    columns = ", ".join(
        f'"{name.replace(chr(34), chr(34) * 2)}" {kind}'
        for name, kind in zip(names.values(), ("text", "text", "float8", "jsonb", "timestamptz"), strict=True)
    )
    postgres.execute('CREATE SCHEMA "My %s"')
    postgres.execute(f'GRANT USAGE ON SCHEMA "My %s" TO {postgres.user}')
    table = '"My %s"."x""; DROP TABLE y"'
    postgres.create_table(f"CREATE TABLE {table} ({columns})", table)
    made = timeline(table='My %s.x"; DROP TABLE y', columns=names)
    made.test()
    made.send([record(1)], may_repeat=True)
    made.send([record(1)], may_repeat=True)
    assert postgres.rows('"So urce"', table) == [("source_1",)]


@pytest.mark.parametrize("kind", ["real", "integer", "numeric(10, 2)", "text"])
def test_values_fit_into_columns_of_other_types(timeline, postgres, kind):
    postgres.create_table(CREATE_TABLE.replace("value numeric", f"value {kind}"))
    timeline().send([record(1)], may_repeat=True)
    assert [float(value) for (value,) in postgres.rows("value")] == [1.0]


def test_times_without_a_zone_and_json_that_is_text_are_told_apart_too(timeline, postgres):
    postgres.create_table(CREATE_TABLE.replace("timestamptz", "timestamp(0)").replace("jsonb", "json"))
    made = timeline()
    made.send([record(1, time=1_800_000_000.6)], may_repeat=False)
    made.send([record(1, time=1_800_000_000.6)], may_repeat=True)
    assert len(postgres.rows()) == 1


def test_a_row_that_the_table_never_takes_is_refused_alone(timeline, postgres):
    postgres.create_table()
    postgres.execute("ALTER TABLE unified_timeline ADD CHECK (value < 10)")
    made = timeline()
    with pytest.raises(RecordsRefused) as refused:
        made.send([record(1), record(50), record(2)], may_repeat=False)
    assert refused.value.count == 1
    assert "source_50" in str(refused.value)
    assert sources(postgres) == [1, 2]


def test_many_rows_that_are_refused_cost_none_of_the_others(timeline, postgres):
    postgres.create_table()
    postgres.execute("ALTER TABLE unified_timeline ADD CHECK (mod(value, 3) <> 0)")
    made = timeline()
    with pytest.raises(RecordsRefused) as refused:
        made.send([record(number) for number in range(100)], may_repeat=False)
    assert refused.value.count == 34
    assert sources(postgres) == [number for number in range(100) if number % 3]


@pytest.mark.parametrize("bad", [record(2, event_type="a\0b"), record(2, note="\0"), record(2, event_type="x" * 51)])
def test_a_text_that_postgresql_cannot_hold_refuses_its_row_alone(timeline, postgres, bad):
    postgres.create_table()
    with pytest.raises(RecordsRefused):
        timeline().send([record(1), bad, record(3)], may_repeat=False)
    assert sources(postgres) == [1, 3]


def test_a_row_that_is_too_long_for_an_index_is_refused_alone(timeline, postgres):
    postgres.create_table()
    postgres.execute("CREATE INDEX ON unified_timeline (metadata)")
    long = record(2, note="".join(map(chr, range(0x4E00, 0x4E00 + 3000))))
    with pytest.raises(RecordsRefused, match="index row") as refused:
        timeline().send([record(1), long, record(3)], may_repeat=False)
    assert refused.value.count == 1
    assert sources(postgres) == [1, 3]


def test_a_password_in_the_query_is_hidden_too(timeline, postgres):
    url = f"postgresql://{postgres.user}@127.0.0.1:{postgres.server.port}/{postgres.name}?password={PASSWORD}%zz"
    with pytest.raises(NotAvailable) as refused:
        timeline(url=url).test()
    assert PASSWORD not in str(refused.value)


def test_a_type_that_does_not_know_an_event_refuses_that_row_alone(timeline, postgres):
    postgres.execute("CREATE TYPE kind AS ENUM ('test')")
    postgres.create_table(CREATE_TABLE.replace("event_type varchar(50)", "event_type kind"))
    with pytest.raises(RecordsRefused):
        timeline().send([record(1), record(2, event_type="other")], may_repeat=False)
    assert sources(postgres) == [1]


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE unified_timeline ADD site text NOT NULL",
        "ALTER TABLE unified_timeline RENAME COLUMN source TO origin",
    ],
)
def test_what_the_table_refuses_of_every_row_is_kept_for_later(timeline, postgres, change):
    postgres.create_table()
    postgres.execute(change)
    refusal(timeline().send, [record(1)], may_repeat=False)


def test_a_partition_that_is_missing_is_waited_for(timeline, postgres):
    postgres.create_table(CREATE_TABLE + " PARTITION BY RANGE (created_at)")
    made = timeline()
    assert "no partition" in str(refusal(made.send, [record(1)], may_repeat=False))
    postgres.execute("CREATE TABLE p PARTITION OF unified_timeline DEFAULT")
    made.send([record(1)], may_repeat=True)
    assert sources(postgres) == [1]


def test_a_table_with_row_level_security_is_written_to(timeline, postgres):
    postgres.create_table()
    postgres.execute("ALTER TABLE unified_timeline ENABLE ROW LEVEL SECURITY")
    postgres.execute(f"CREATE POLICY p ON unified_timeline TO {postgres.user} USING (true) WITH CHECK (true)")
    timeline().send([record(1), record(2)], may_repeat=True)
    assert sources(postgres) == [1, 2]

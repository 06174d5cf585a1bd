"""Against a real PostgreSQL: a table of samples, each there once."""

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from collector_core import NotAvailable, RecordsRefused
from collector_plugins.postgresql import Postgresql
from tests.postgres import PASSWORD, free_port
from tests.sample_blocks import ENERGY, POWER, Runs, make_output

COLUMNS = "time, name, labels, value"
TABLE = "energy_samples"


@pytest.fixture
def output(postgres):
    """Makes outputs to the database of the test, which are closed at the end."""
    made = []

    def make(**options):
        made.append(make_output(Postgresql, **{"timeout": 60.0, "url": postgres.url(), **options}))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def table(postgres):
    statement = (
        f"CREATE TABLE {TABLE} (time timestamptz, name text, labels jsonb, value float8, UNIQUE (name, labels, time))"
    )
    postgres.create_table(statement, table=TABLE, rights="INSERT")


def payloads(made, time, values, **options):
    return [made.encode_block(block) for block in Runs(**options).blocks(time, values)]


def test_rows_are_there_once_with_all_they_say(output, table, postgres):
    made = output()
    made.test()
    assert postgres.rows(COLUMNS, TABLE) == []
    sent = payloads(made, 1.2345, {(POWER, 'a"\\é'): 1.5, (ENERGY, "b"): 2})
    for repeat in (False, True):
        made.send_payloads(sent, may_repeat=repeat)
    time = datetime.fromtimestamp(1.234, UTC)
    found = sorted(postgres.rows(COLUMNS, TABLE), key=lambda row: row[3])
    assert found == [
        (time, "probe_power_watts", {"plug": 'a"\\é'}, 1.5),
        (time, "probe_energy_joules_total", {"plug": "b"}, 2),
    ]


def test_the_table_is_made_where_it_is_missing_and_may_be(output, postgres):
    with pytest.raises(NotAvailable, match="does not exist"):
        output(create=False).test()
    postgres.execute(f"GRANT CREATE ON SCHEMA public TO {postgres.user}")
    made = output()
    made.test()
    made.send_payloads(payloads(made, 1.0, {(POWER, "a"): 1.5}), may_repeat=False)
    assert [value for (value,) in postgres.rows("value", TABLE)] == [1.5]


def test_rows_that_a_table_will_never_take_cost_no_others(output, table, postgres):
    postgres.create_table(f"ALTER TABLE {TABLE} ADD CHECK (value >= 0)", table=TABLE, rights="INSERT")
    made = output()
    values = {(POWER, f"{plug}"): -1 if plug in (3, 500) else plug for plug in range(1000)}
    with pytest.raises(RecordsRefused, match="violates check") as refused:
        made.send_payloads(payloads(made, 1.0, values), may_repeat=False)
    assert refused.value.count == 2
    found = {value for (value,) in postgres.rows("value", TABLE)}
    assert found == {plug for plug in range(1000) if plug not in (3, 500)}


@pytest.mark.parametrize(
    "change", ["ADD COLUMN room text NOT NULL", "ADD PARTITION"], ids=["a foreign column", "a missing partition"]
)
def test_what_hits_every_row_alike_is_no_reason_to_drop_any(output, postgres, table, change):
    if change == "ADD PARTITION":
        name = f"{TABLE}_by_time"
        columns = "(time timestamptz, name text, labels jsonb, value float8, UNIQUE (name, labels, time))"
        postgres.create_table(f"CREATE TABLE {name} {columns} PARTITION BY RANGE (time)", table=name, rights="INSERT")
        made = output(table=name)
    else:
        postgres.create_table(f"ALTER TABLE {TABLE} {change}", table=TABLE, rights="INSERT")
        made = output()
    with pytest.raises(NotAvailable):
        made.send_payloads(payloads(made, 1.0, {(POWER, "a"): 1, (POWER, "b"): 2}), may_repeat=False)


def test_a_table_that_takes_nothing_is_not_asked_for_every_row(output, table, postgres, monkeypatch):
    postgres.create_table(f"ALTER TABLE {TABLE} ADD CHECK (value < 0)", table=TABLE, rights="INSERT")
    monkeypatch.setattr("collector_plugins.postgresql.table.MOST_TRIES", 10)
    made = output()
    with pytest.raises(RecordsRefused) as refused:
        made.send_payloads(payloads(made, 1.0, {(POWER, f"{plug}"): plug for plug in range(100)}), may_repeat=False)
    assert refused.value.count == 100


def test_a_search_that_takes_too_long_ends_before_the_batch_is_cut_off(output, table, postgres, monkeypatch):
    postgres.create_table(f"ALTER TABLE {TABLE} ADD CHECK (value >= 0)", table=TABLE, rights="INSERT")
    monkeypatch.setattr("collector_plugins.postgresql.table.PATIENCE", 0.0)
    made = output()
    with pytest.raises(RecordsRefused, match="violates check") as refused:
        made.send_payloads(payloads(made, 1.0, {(POWER, "a"): -1, (POWER, "b"): 2, (POWER, "c"): 3}), may_repeat=False)
    assert refused.value.count == 3


def test_labels_that_are_too_long_for_the_index_do_not_hold_up_the_others(output, table, postgres):
    made, long = output(), "".join(map(chr, range(0x4E00, 0x4E00 + 3000)))
    sent = payloads(made, 1.0, {(POWER, "a"): 1}, labels={"long": long}) + payloads(made, 1.0, {(POWER, "b"): 2})
    with pytest.raises(RecordsRefused, match="index row") as refused:
        made.send_payloads(sent, may_repeat=False)
    assert refused.value.count == 1
    assert postgres.rows("value", TABLE) == [(2.0,)]


def test_a_database_that_is_away_is_told_without_the_password(output):
    url = f"postgresql://me:{PASSWORD}@127.0.0.1:{free_port()}/energy"
    with pytest.raises(NotAvailable, match="127.0.0.1") as refused:
        output(url=url).test()
    assert PASSWORD not in str(refused.value)


@pytest.mark.parametrize("options", [{}, {"url": "http://a"}, {"url": "postgresql://a/b", "table": ""}])
def test_options_that_make_no_sense_are_refused(options):
    with pytest.raises(ValidationError):
        Postgresql.config_type.model_validate(options)

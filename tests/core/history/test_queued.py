"""The history in a real PostgreSQL that is away, hangs, is killed, refuses or is shared: nothing is lost or doubled."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from collector_core.errors import HistoryUnavailable, NotAvailable
from collector_core.history.interface import EVER, HistorySample
from collector_core.history.postgres.schema import timescale_version
from collector_core.history.stores import describe_store
from collector_core.history.tiers import HOUR
from tests.core.history.conftest import Postgres, kept
from tests.core.history.lamp import START, Lamp
from tests.postgres import PASSWORD

AWAY = 600  # seconds
PAUSE = 31  # after which everything is tried again


@pytest.fixture
def stores(tmp_path, history_database):
    made = Postgres(tmp_path, history_database)
    yield made
    made.close()


@pytest.fixture
def lamps(stores):
    """Makes histories that are ended with the test."""
    made = []

    def make(name="history", **options):
        made.append(Lamp(stores, name, **options))
        return made[-1]

    yield make
    for each in made:
        each.history.store.close()


def joules(lamp):
    return sum(rise for _, _, rise in lamp.points("lamp_energy_joules_total"))


def problems(lamp):
    return {reason: count for reason, count in lamp.metric("collector_history_problems_total").items() if count}


def test_away_for_ten_minutes_at_the_start_and_later_costs_nothing(lamps, proxy, caplog):
    proxy.away()
    lamp = lamps(port=proxy.port)
    for each in range(AWAY // 10):
        lamp.run(lamp_energy_joules_total=each, lamp_power_watts=each)
        lamp.settle()
    assert lamp.metric("collector_history_up") == {"": 0}
    assert problems(lamp) == {"unreachable": 1}
    proxy.back()
    lamp.advance(PAUSE)
    lamp.settle()
    assert lamp.metric("collector_history_up") == {"": 1}
    proxy.away()
    for each in range(AWAY // 10, 2 * AWAY // 10):
        lamp.run(lamp_energy_joules_total=each, lamp_power_watts=each)
        lamp.settle()
    proxy.back()
    lamp.advance(PAUSE)
    values = [value for _, value, _ in lamp.points("lamp_power_watts")]
    assert values == list(range(2 * AWAY // 10))
    assert joules(lamp) == 2 * AWAY // 10 - 1
    assert lamp.metric("collector_history_dropped_samples_total") == {"": 0}
    assert len([line for line in caplog.messages if "history" in line]) == 4


def test_what_waits_survives_the_process_and_is_delivered_by_the_next_one(lamps, proxy):
    proxy.away()
    lamp = lamps(port=proxy.port)
    lamp.run(lamp_energy_joules_total=10)
    lamp.run(lamp_energy_joules_total=12)
    lamp.settle()
    lamp.history.store._queue.close()  # as a kill does
    lamp.advance(AWAY)
    lamp.begin()
    lamp.run(lamp_energy_joules_total=20)
    lamp.settle()
    proxy.back()
    lamp.advance(PAUSE)
    assert [(value, rise) for _, value, rise in lamp.points("lamp_energy_joules_total")] == [(10, 0), (12, 2), (20, 8)]


@pytest.mark.parametrize("early", [False, True], ids=["committed", "while it commits"])
def test_a_commit_whose_answer_was_lost_is_not_repeated(lamps, proxy, early):
    lamp = lamps(port=proxy.port)
    lamp.run(lamp_energy_joules_total=10, lamp_power_watts=1)
    lamp.settle()
    proxy.cut, proxy.cut_early = b"COMMIT", early
    lamp.run(lamp_energy_joules_total=15, lamp_power_watts=2)
    lamp.settle()
    assert proxy.cuts == 1
    lamp.run(lamp_energy_joules_total=17, lamp_power_watts=3)
    lamp.advance(PAUSE)
    assert [value for _, value, _ in lamp.points("lamp_power_watts")] == [1, 2, 3]
    assert joules(lamp) == 7


def test_a_server_that_hangs_holds_up_neither_writing_nor_the_end(lamps, proxy):
    lamp = lamps(port=proxy.port)
    lamp.run(lamp_power_watts=1)
    lamp.settle()
    proxy.frozen = True
    for each in range(2, 6):
        lamp.run(lamp_power_watts=each)
        lamp.history.write()
    assert not lamp.history.store._sender.is_idle
    lamp.end()
    lamp.begin()
    proxy.frozen = False
    lamp.advance(PAUSE)
    assert [value for _, value, _ in lamp.points("lamp_power_watts")] == [1, 2, 3, 4, 5]


def test_a_server_that_is_killed_in_the_middle_of_a_batch_has_it_once(lamps, history_database, eventually):
    lamp = lamps()
    lamp.run(lamp_energy_joules_total=1)
    lamp.settle()
    for each in range(2, 200):
        lamp.run(lamp_energy_joules_total=each, lamp_power_watts=each)
        if each == 100:
            history_database.server.crash()
        lamp.history.write()
    history_database.server.recover()

    def all_have_arrived():
        lamp.advance(PAUSE)
        return len(lamp.points("lamp_power_watts")) >= 198

    eventually(all_have_arrived)
    assert [value for _, value, _ in lamp.points("lamp_power_watts")] == list(range(2, 200))
    assert joules(lamp) == 198


def test_a_refused_password_is_said_once_tried_rarely_and_mended_without_a_restart(lamps, stores, caplog):
    database = stores.database
    database.execute(f"ALTER ROLE {database.user} PASSWORD 'another'")
    try:
        lamp = lamps()
        sender = None
        tries = 0
        for each in range(12):  # two minutes
            lamp.run(lamp_power_watts=each)
            lamp.settle()
            trouble = lamp.history.store._trouble
            tries += trouble is not sender
            sender = trouble
        assert problems(lamp) == {"refused": 1}
        assert tries <= 5
    finally:
        database.execute(f"ALTER ROLE {database.user} PASSWORD '{PASSWORD}'")
    lamp.advance(PAUSE)
    assert [value for _, value, _ in lamp.points("lamp_power_watts")] == list(range(12))
    assert PASSWORD not in caplog.text
    assert PASSWORD not in repr(lamp.options)
    assert [line for line in caplog.messages if "refused" in line or "password" in line]


def test_a_full_queue_drops_the_oldest_readings_counts_them_and_loses_no_energy(lamps, proxy):
    lamp = lamps(port=proxy.port, max_bytes=100_000)
    lamp.run(lamp_energy_joules_total=1000)
    lamp.settle()
    proxy.away()
    for each in range(1, 800):
        lamp.run(lamp_energy_joules_total=1000 + each)
        lamp.history.write()
    lamp.settle()
    proxy.back()
    lamp.advance(PAUSE)
    points = lamp.points("lamp_energy_joules_total")
    dropped = lamp.metric("collector_history_dropped_samples_total")[""]
    assert dropped > 0
    assert len(points) + dropped == 800
    assert points[-1][1] == 1799
    assert sum(rise for _, _, rise in points) == 799


def test_agents_with_names_of_their_own_share_a_database_without_meeting(lamps):
    first, second = lamps("first"), lamps("second")
    for lamp, watts in ((first, 1), (second, 2)):
        lamp.run(lamp_power_watts=watts)
    assert first.points("lamp_power_watts") == [(0, 1, 0)]
    assert second.points("lamp_power_watts") == [(0, 2, 0)]


def test_two_agents_of_one_name_keep_one_history_and_the_second_takes_over(lamps, tmp_path, caplog, eventually):
    first, second = lamps(), lamps(path=tmp_path / "elsewhere")
    first.run(books_joules_total=10)
    first.settle()
    second.run(books_joules_total=100)
    second.settle()
    second.run(books_joules_total=103)
    second.settle()
    assert problems(second) == {"locked": 1}
    assert second.metric("collector_history_up") == {"": 0}
    first.end()

    def takes_over():
        second.advance(PAUSE)
        second.run(books_joules_total=110)
        second.settle()
        return second.metric("collector_history_up") == {"": 1}

    eventually(takes_over)
    second.run(books_joules_total=117)
    rises = [rise for _, _, rise in second.points("books_joules_total")]
    assert rises[0] == 10
    assert rises[-1] == 7
    assert 100 not in rises
    assert len([line for line in caplog.messages if "another process" in line]) == 1


def test_two_agents_that_start_at_once_make_one_schema(stores):
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(stores.make, ("a", "b", "c", "d")))
    assert len({store.agent for store in made}) == 4


def test_a_newer_schema_is_not_touched(lamps, stores):
    stores.make()
    stores.database.execute(f"UPDATE {stores.schema}.version SET number = 99")
    lamp = lamps("another")
    lamp.run(lamp_power_watts=1)
    lamp.settle()
    assert problems(lamp) == {"newer_schema": 1}
    assert stores.database.execute(f"SELECT count(*) FROM {stores.schema}.agents") == [(1,)]


def test_tables_of_the_next_days_are_there_and_those_of_old_ones_go(lamps, stores):
    lamp = lamps(tiers={"raw": "2d", "1m": "30d"})
    for _ in range(5):
        lamp.run(lamp_power_watts=1)
        lamp.settle()
        lamp.advance(24 * 3600)
    lamp.history._next_seal = 0
    lamp.settle()
    lamp.advance(PAUSE)
    lamp.settle()
    names = {
        name
        for (name,) in stores.database.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = %s AND tablename ~ '^readings_2'", stores.schema
        )
    }
    days = sorted(int(name[-8:]) for name in names)
    assert len(days) == 6  # two that are kept, today, and three ahead
    assert len(lamp.points("lamp_power_watts")) == 2


def test_readings_of_days_too_far_ahead_are_kept_counted_and_moved_when_their_day_comes(lamps, stores):
    lamp = lamps()
    lamp.run(lamp_power_watts=1)
    lamp.settle()
    store = stores.make("other")
    future = round((lamp.clock.time() + 20 * 24 * 3600) * 1000)
    store._clock = lamp.clock.time
    store.append([HistorySample(kept(), future, 5.0, 0.0)])
    lamp.advance(PAUSE)
    lamp.settle()
    lamp.settle()
    assert problems(lamp) == {"partition": 1}
    assert lamp.metric("collector_history_up") == {"": 1}
    lamp.advance(19 * 24 * 3600)
    lamp.settle()
    lamp.settle()
    lamp.history.write()
    assert stores.database.execute(f"SELECT count(*) FROM {stores.schema}.readings_default") == [(0,)]
    number, _ = store.catalogue.find(kept().series.text)
    assert [point.value for point in store.read(number, 0, EVER)] == [5]


def test_plugins_are_told_at_once_that_the_database_is_away(lamps, proxy):
    lamp = lamps(port=proxy.port)
    lamp.run(lamp_power_watts=1)
    lamp.settle()
    assert [found.points for found in lamp.history.past.query(None, 0, START + 60)] == [[(START, 1)]]
    proxy.away()
    lamp.run(lamp_power_watts=2)
    lamp.settle()
    with pytest.raises(HistoryUnavailable):
        lamp.history.past.query(None, 0, START + 60)


def test_the_section_of_the_page_comes_from_the_database(lamps):
    lamp = lamps(series=["*"])
    lamp.run(lamp_power_watts=1)
    lamp.settle()
    lamp.advance(PAUSE)
    lamp.settle()
    assert lamp.history.section is None  # there is no power of the machine


def test_sums_survive_a_restart_between_reading_and_summing_up(lamps):
    lamp = lamps()
    for each in range(500):
        lamp.run(lamp_energy_joules_total=100 + each)
        if each == 300:
            lamp.end()
            lamp.begin()
        lamp.history.write()
    lamp.settle()
    lamp.advance(HOUR / 1000)
    lamp.history._next_seal = 0
    lamp.settle()
    found = lamp.history.past.query(None, 0, START + 9999, step=3600, fn="increase")
    assert sum(value for each in found for _, value in each.points) == 499
    assert lamp.stores.beside().tiers


def test_other_programs_read_the_rows(lamps, stores):
    lamp = lamps()
    lamp.run(lamp_power_watts=12.5)
    lamp.settle()
    query = f"SELECT agent, name, labels ->> 'plug', extract(epoch FROM time)::int, value FROM {stores.schema}.points"
    assert stores.database.execute(query) == [("history", "lamp_power_watts", "a", int(START), 12.5)]


def test_doctor_is_told_where_and_how_it_is_kept_before_and_after_the_first_start(stores):
    assert describe_store(stores.options()).endswith("a partition per day")
    stores.make()
    assert describe_store(stores.options()).endswith("a partition per day")


def test_the_layout_is_known_to_who_asks_whether_it_is_ready(lamps):
    lamp = lamps()
    assert lamp.history.store.layout == ""
    lamp.run(lamp_power_watts=1)
    lamp.settle()
    assert lamp.history.store.layout in ("a partition per day", "hypertables of TimescaleDB")


def test_doctor_is_told_what_is_wrong_without_the_password(stores):
    with pytest.raises(NotAvailable) as refused:
        describe_store(stores.options(store=stores.database.url().replace(PASSWORD, "wrong-secret")))
    assert "password" in refused.value.fix
    assert "wrong-secret" not in str(refused.value) + refused.value.fix


def test_hypertables_are_used_where_timescaledb_is(lamps, stores):
    try:
        stores.database.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
    except psycopg.Error as error:
        pytest.skip(f"TimescaleDB is not installed: {error}")
    lamp = lamps()
    lamp.run(lamp_power_watts=12.5)
    assert lamp.points("lamp_power_watts") == [(0, 12.5, 0)]
    with stores.make("other").using() as connection:
        assert timescale_version(connection)
    assert stores.database.execute(f"SELECT name FROM {stores.schema}.layout") == [("hypertable",)]

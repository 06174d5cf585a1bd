"""Both stores, empty and of the test's own, and series for them."""

import itertools

import pytest

from collector_core.history.catalogue import KeptSeries
from collector_core.history.embedded import EmbeddedStore
from collector_core.history.options import HistoryOptions
from collector_core.history.tiers import HOUR
from collector_core.model.labels import label_text
from collector_core.model.series import Series

NOON = 1_790_000_000_000 // HOUR * HOUR  # milliseconds, as all times here
MINUTE = 60_000
STEPS = (MINUTE, 15 * MINUTE, HOUR)
SCHEMAS = map("history_{}".format, itertools.count())


def kept(name="lamp_power_watts", kind="gauge", *, gap=35_000, **labels):
    return KeptSeries(Series(name + label_text(labels), name, labels, kind, "watts", "Help.", "lamp"), "lamp", gap)


class Embedded:
    """Stores in folders."""

    def __init__(self, folder):
        self._folder = folder
        self._open = []

    def options(self, name="history", **options):
        return HistoryOptions(path=self._folder / name, **options)

    def make(self, name="history", holder=1, **options):
        """The store of this name, as its one writer finds it; another `holder` is another process."""
        return self._opened(EmbeddedStore(self.options(name, **options)))

    def end(self, store):
        """What the writer of a store does at its end."""
        store.close()

    def beside(self, name="history"):
        """The same, read beside its writer."""
        return self._opened(EmbeddedStore(self.options(name), read_only=True))

    def wait(self, store):
        """Wait until what a live store was given is where it belongs, or is known not to be."""

    def make_command(self, name="history", *, read_only=False):
        """The same, as a command opens it."""
        from collector_core.history.stores import command_store

        return self._opened(command_store(self.options(name), read_only=read_only))

    def close(self):
        for store in self._open:
            store.close()

    def _opened(self, store):
        self._open.append(store)
        store.open()
        return store


class Postgres(Embedded):
    """Stores in a database: the agents of one schema."""

    def __init__(self, folder, database):
        super().__init__(folder)
        self.database = database
        self.schema = next(SCHEMAS)
        self._holders = itertools.count(1)

    def options(self, name="history", port=None, **options):
        database = {"store": self.database.url(port), "schema_name": self.schema, "agent": name}
        return HistoryOptions(**{"path": self._folder / name, **database, **options})

    def make(self, name="history", holder=1, **options):
        from collector_core.history.postgres.store import PostgresStore

        return self._opened(PostgresStore(self.options(name, **options), holder))

    def wait(self, store):
        assert store._sender is None or store._sender.wait(60)

    def end(self, store):
        store.release()
        store.close()

    def beside(self, name="history"):
        from collector_core.history.postgres.reader import PostgresReader

        return self._opened(PostgresReader(self.options(name)))


@pytest.fixture(scope="session")
def history_database(postgres_server):
    """One database for all tests, whose user may make schemas."""
    from tests.postgres import Database

    found = Database(postgres_server)
    found.execute(f"GRANT CREATE ON DATABASE {found.name} TO {found.user}")
    return found


@pytest.fixture(params=["sqlite", "postgres"])
def stores(request, tmp_path):
    """Makes stores, of each kind once."""
    kind = request.param
    made = Embedded(tmp_path) if kind == "sqlite" else Postgres(tmp_path, request.getfixturevalue("history_database"))
    yield made
    made.close()


@pytest.fixture
def store(stores):
    return stores.make()


@pytest.fixture
def stores_in_files(tmp_path):
    """Makes stores in folders."""
    made = Embedded(tmp_path)
    yield made
    made.close()


@pytest.fixture
def embedded(stores_in_files):
    """A store in a folder."""
    return stores_in_files.make()

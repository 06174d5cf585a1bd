"""The tables of the embedded store."""

from __future__ import annotations

from collector_core.storage.schema import Schema

FILE = "history.db"

# A block is the readings of a series within an hour, later a day: `start` and `end` are its first and last reading.
# Blocks of series that were read together have the same times, which are stored once. A tier's block is its summaries
# of `tiers.COLUMNS` within a span of steps. The journal has what is in no block yet. Times are in milliseconds.
SCHEMA = Schema(
    [
        (
            """
            CREATE TABLE series (
                id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE, name TEXT NOT NULL, labels TEXT NOT NULL,
                kind TEXT NOT NULL, unit TEXT NOT NULL, help TEXT NOT NULL, topic TEXT NOT NULL, of TEXT NOT NULL,
                title TEXT NOT NULL, source TEXT NOT NULL, plugin TEXT NOT NULL, gap INTEGER NOT NULL
            ) STRICT
            """,
            """
            CREATE TABLE times (
                id INTEGER PRIMARY KEY AUTOINCREMENT, digest BLOB NOT NULL UNIQUE, data BLOB NOT NULL
            ) STRICT
            """,
            """
            CREATE TABLE blocks (
                id INTEGER PRIMARY KEY, series INTEGER NOT NULL, start INTEGER NOT NULL, end INTEGER NOT NULL,
                times INTEGER NOT NULL, data BLOB NOT NULL, UNIQUE (series, start)
            ) STRICT
            """,
            "CREATE INDEX blocks_by_times ON blocks (times)",
            """
            CREATE TABLE summaries (
                id INTEGER PRIMARY KEY, series INTEGER NOT NULL, step INTEGER NOT NULL, start INTEGER NOT NULL,
                end INTEGER NOT NULL, times INTEGER NOT NULL, data BLOB NOT NULL, UNIQUE (series, step, start)
            ) STRICT
            """,
            "CREATE INDEX summaries_by_times ON summaries (times)",
            "CREATE TABLE journal (id INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT",
            """
            CREATE TABLE events (
                id INTEGER PRIMARY KEY, time INTEGER NOT NULL, kind TEXT NOT NULL, source TEXT NOT NULL,
                text TEXT NOT NULL, UNIQUE (time, kind, source, text)
            ) STRICT
            """,
            "CREATE TABLE marks (name TEXT PRIMARY KEY, time INTEGER NOT NULL) STRICT",
        ),
    ],
    salvage=("series", "times", "blocks", "summaries", "journal", "events", "marks"),
)

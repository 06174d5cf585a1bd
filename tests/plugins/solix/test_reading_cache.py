"""The newest reading counts, for as long as it is fresh."""

from hypothesis import given
from hypothesis import strategies as st

from collector_plugins.solix import metrics
from collector_plugins.solix.reading_cache import ReadingCache, ReadingSource
from collector_plugins.solix.series import Series

CHARGE, SOLAR = Series(metrics.CHARGE), Series(metrics.SOLAR)
LIMITS = {ReadingSource.MQTT: 360.0, ReadingSource.REST: 1800.0}


def test_the_newest_reading_counts_whoever_it_came_from():
    cache = ReadingCache(LIMITS)
    cache.put_values("a", ReadingSource.REST, 100, {CHARGE: 0.5, SOLAR: 10})
    cache.put_values("a", ReadingSource.MQTT, 200, {CHARGE: 0.6})
    cache.put_values("a", ReadingSource.REST, 150, {CHARGE: 0.1, SOLAR: 20})
    assert cache.fresh_values("a", 200) == {CHARGE: 0.6, SOLAR: 20}


def test_a_reading_older_than_its_limit_goes_and_its_age_grows():
    cache = ReadingCache(LIMITS)
    cache.put_values("a", ReadingSource.MQTT, 100, {CHARGE: 0.5})
    cache.put_values("a", ReadingSource.REST, 100, {SOLAR: 10})
    assert cache.fresh_values("a", 460) == {CHARGE: 0.5, SOLAR: 10}
    assert cache.fresh_values("a", 461) == {SOLAR: 10}
    assert cache.fresh_values("a", 1901) == {}
    assert cache.source_ages("a", 1901) == {ReadingSource.MQTT: 1801, ReadingSource.REST: 1801}


def test_what_is_asked_for_less_often_is_told_longer():
    cache = ReadingCache(LIMITS)
    cache.put_values("a", ReadingSource.REST, 0, {SOLAR: 10}, limit=7200)
    assert cache.fresh_values("a", 7200) == {SOLAR: 10}


def test_devices_that_are_gone_are_forgotten():
    cache = ReadingCache(LIMITS)
    cache.put_values("a", ReadingSource.REST, 0, {SOLAR: 10})
    cache.keep_devices(["b"])
    assert (cache.fresh_values("a", 0), cache.source_ages("a", 0)) == ({}, {})


@given(st.lists(st.tuples(st.sampled_from(ReadingSource), st.integers(0, 1000), st.floats(0, 1)), min_size=1))
def test_the_order_of_arrival_does_not_matter(readings):
    cache = ReadingCache(dict.fromkeys(ReadingSource, 1e9))
    for source, at, value in readings:
        cache.put_values("a", source, at, {CHARGE: value})
    newest = max(at for _, at, _ in readings)
    assert cache.fresh_values("a", 1000)[CHARGE] in {value for _, at, value in readings if at == newest}
    assert min(cache.source_ages("a", 1000).values()) == 1000 - newest

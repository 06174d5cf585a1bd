"""What the hash rate of a site earns, less what its energy costs."""

from __future__ import annotations

import pytest

from tests.plugins.sites.conftest import moment, reading

HOUR = 3600
PERIOD = {"from": moment(0), "to": moment(2 * HOUR)}


async def test_profit_is_earned_by_the_hash_rate_less_cost(serving):
    async with serving(hash_price=0.06) as client:
        await client.register("a", region="n", price_per_kwh=0.05, pue=1.2)
        await client.register("b", region="n", price_per_kwh=0.05, hash_price=0.03)
        await client.register("free", region="s")
        for site in ("a", "b", "free"):
            await client.send(*(reading(60 * each, 3e6, site, hashrate_th=1e5) for each in range(1, 61)))
        a, b, free = [await client.metrics(site, **PERIOD) for site in ("a", "b", "free")]
        _, regions = await client.get("metrics/aggregate", **PERIOD)
        _, sources = await client.get("metrics/aggregate", **PERIOD, group_by="source")
    assert a["profit_per_hour"] == pytest.approx(1e5 * 0.06 / 24 - 3000 * 1.2 * 0.05)
    assert b["profit_per_hour"] == pytest.approx(1e5 * 0.03 / 24 - 3000 * 0.05)
    assert free["profit_per_hour"] is None
    both = a["profit_per_hour"] + b["profit_per_hour"]
    assert {each["region"]: each["profit_per_hour"] for each in regions["groups"]} == {
        "n": pytest.approx(both),
        "s": None,
    }
    assert regions["total"]["profit_per_hour"] == pytest.approx(both)
    assert sources["total"]["profit_per_hour"] == pytest.approx(both)


async def test_without_a_hash_price_there_is_no_profit(serving):
    async with serving() as client:
        await client.register("a", price_per_kwh=0.05)
        await client.send(reading(60, 3e6, hashrate_th=1e5))
        assert (await client.metrics("a", **PERIOD))["profit_per_hour"] is None

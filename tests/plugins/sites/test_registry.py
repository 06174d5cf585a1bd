"""Sites: registered once, changed with a history, listed in pages."""

from __future__ import annotations

import pytest

from tests.plugins.sites.conftest import moment
from tests.plugins.sites.stores import stored  # noqa: F401 - a fixture


async def test_a_site_is_registered_once_and_found(serving):
    async with serving() as client:
        answer = await client.register("a b", name="North", region="r", latitude=60.5, timezone="Europe/Oslo")
        assert (answer["id"], answer["name"], answer["pue"]) == ("a b", "North", 1.0)
        assert [each["valid_from"] for each in answer["history"]] == ["1970-01-01T00:00:00Z"]
        assert (await client.post("sites", {"id": "a b"}))[0] == 409
        assert (await client.get("sites/a%20b"))[1]["region"] == "r"
        status, answer = await client.get("sites/other")
        assert (status, answer["field"]) == (404, "site_id")
        assert (await client.patch("sites/other", {"pue": 1.2}))[0] == 404


async def test_a_change_keeps_what_was_before(serving):
    async with serving() as client:
        await client.register("a", price_per_kwh=0.1, pue=1.1)
        await client.patch("sites/a", {"price_per_kwh": 0.2, "valid_from": moment(7200)})
        _, answer = await client.patch("sites/a", {"pue": 1.5, "valid_from": moment(3600)})
        history = [(each["valid_from"], each["price_per_kwh"], each["pue"]) for each in answer["history"]]
        assert history == [("1970-01-01T00:00:00Z", 0.1, 1.1), (moment(3600), 0.1, 1.5), (moment(7200), 0.2, 1.5)]
        assert (answer["price_per_kwh"], answer["pue"]) == (0.2, 1.5)
        _, later = await client.patch("sites/a", {"price_per_kwh": None})
        assert later["price_per_kwh"] is None
        assert later["history"][-1]["valid_from"] == moment(86_400)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "id"),
        ({"id": "a/b"}, "id"),
        ({"id": ".."}, "id"),
        ({"id": "a\n"}, "id"),
        ({"id": "a", "pue": 0.9}, "pue"),
        ({"id": "a", "latitude": 91}, "latitude"),
        ({"id": "a", "timezone": "Mars/North"}, "timezone"),
        ({"id": "a", "sources": [{"type": "grid", "share": 0.5}]}, "sources"),
        ({"id": "a", "sources": [{"type": "grid", "share": 2}]}, "sources.0.share"),
        ({"id": "a", "colour": 1}, "colour"),
        ({"id": "a", "valid_from": "yesterday"}, "valid_from"),
        ([], "body"),
    ],
)
async def test_a_wrong_site_is_refused_by_its_key(serving, body, field):
    async with serving() as client:
        status, answer = await client.post("sites", body)
        assert (status, answer["field"].partition(".")[0]) == (400, field.partition(".")[0])
        assert answer["fix"]


async def test_an_id_stays(serving):
    async with serving() as client:
        await client.register("a")
        for body, field in (({"id": "b"}, "id"), ({}, "body")):
            status, answer = await client.patch("sites/a", body)
            assert (status, answer["field"]) == (400, field)


async def test_sites_are_listed_in_pages(serving):
    async with serving() as client:
        for number in range(5):
            await client.register(f"s{number}")
        found, cursor = [], {}
        while cursor is not None:
            _, page = await client.get("sites", limit=2, **cursor)
            found += [site["id"] for site in page["sites"]]
            cursor = {"cursor": page["next"]} if page["next"] else None
        assert found == [f"s{number}" for number in range(5)]
        for wrong in ({"limit": 0}, {"limit": 1001}, {"cursor": "é"}, {"colour": 1}):
            status, answer = await client.get("sites", **wrong)
            assert (status, answer["field"]) == (400, next(iter(wrong)))
            assert answer["fix"]


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({"from": "yesterday"}, "from"),
        ({"from": "2026-01-01T00:00:00"}, "from"),
        ({"from": moment(10), "to": moment(0)}, "to"),
        ({"step": "0s"}, "step"),
        ({"step": "soon"}, "step"),
        ({"step": "1s", "from": moment(0), "to": moment(200_000)}, "step"),
        ({"colour": "red"}, "colour"),
    ],
)
async def test_a_wrong_parameter_is_named(serving, parameters, field):
    async with serving() as client:
        await client.register("a")
        for path in ("metrics/site/a", "metrics/aggregate"):
            status, answer = await client.get(path, **parameters)
            assert (status, answer["field"]) == (400, field)
            assert answer["fix"]

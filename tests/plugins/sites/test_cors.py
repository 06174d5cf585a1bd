"""Pages of other web sites read where that is allowed, never with credentials, and write never."""

from __future__ import annotations

import pytest

from tests.plugins.sites.conftest import JSON

PAGE = {"Origin": "https://dash.example"}
ASKS = {**PAGE, "Access-Control-Request-Method": "GET"}


@pytest.fixture
async def client(serving):
    async with serving(cors=["https://Dash.example"]) as made:
        yield made


async def headers_of(client, method, path, headers):
    async with client.session.request(method, f"/api/v1/{path}", headers=headers) as response:
        await response.read()
        assert "Access-Control-Allow-Credentials" not in response.headers
        return response.status, response.headers


@pytest.mark.parametrize(("path", "status"), [("sites", 200), ("openapi.json", 200), ("sites/nobody", 404)])
async def test_an_allowed_page_reads_answers_and_refusals(client, path, status):
    found, headers = await headers_of(client, "GET", path, PAGE)
    assert (found, headers["Access-Control-Allow-Origin"], headers["Vary"]) == (status, PAGE["Origin"], "Origin")
    found, headers = await headers_of(client, "OPTIONS", path, ASKS)
    assert (found, headers["Access-Control-Allow-Methods"]) == (204, "GET, HEAD")


@pytest.mark.parametrize("origin", ["https://other.example", "http://dash.example", "null", ""])
async def test_another_page_reads_nothing(client, origin):
    found, headers = await headers_of(client, "GET", "sites", {"Origin": origin})
    assert found == 200  # the browser keeps it from the page
    assert "Access-Control-Allow-Origin" not in headers
    assert headers["Vary"] == "Origin"
    assert (await headers_of(client, "OPTIONS", "sites", {**ASKS, "Origin": origin}))[0] == 403


async def test_no_page_writes(client):
    refused = await headers_of(client, "OPTIONS", "sites", {**ASKS, "Access-Control-Request-Method": "POST"})
    assert refused[0] == 403
    async with client.session.post("/api/v1/sites", data=b'{"id": "a"}', headers={**JSON, **PAGE}) as response:
        assert response.status == 403
        assert "Access-Control-Allow-Origin" not in response.headers
    assert (await headers_of(client, "OPTIONS", "ingest/realtime", ASKS))[0] == 405


async def test_all_pages_may_read_where_that_is_wanted(serving):
    async with serving(cors=["*"]) as client:
        _, headers = await headers_of(client, "GET", "sites", PAGE)
        assert headers["Access-Control-Allow-Origin"] == "*"


async def test_nobody_may_by_default(serving):
    async with serving() as client:
        _, headers = await headers_of(client, "GET", "sites", PAGE)
        assert "Access-Control-Allow-Origin" not in headers
        assert (await headers_of(client, "OPTIONS", "sites", ASKS))[0] == 405


@pytest.mark.parametrize("origin", ["dash.example", "https://dash.example/path", "ftp://dash.example", ""])
async def test_an_origin_that_is_none_is_refused(serving, origin):
    with pytest.raises(ValueError, match="write an origin"):
        async with serving(cors=[origin]):
            pass

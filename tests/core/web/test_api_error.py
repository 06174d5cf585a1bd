"""Refusals of routes have one shape, whoever refuses."""

import json

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from multidict import MultiDict

from collector_core import ApiError, Field, Query
from collector_core.testing import serve_routes


class Plugs(Query):
    room: str = "all"
    limit: int = Field(10, ge=1)
    share: float | None = None


async def ask(refusal, path="/plugs", method="GET"):
    async def handle(request):
        raise refusal

    routes = [web.get("/plugs", handle), web.get("/api/v1/plugs", handle)]
    async with serve_routes(routes) as session, session.request(method, path) as response:
        return response.status, response.headers, await response.text()


@pytest.mark.parametrize(
    ("refusal", "body"),
    [
        (ApiError(404, "no plug is called 'x'"), '{"error": "no plug is called \'x\'"}'),
        (ApiError(400, "too long", field="room"), '{"error": "too long", "field": "room"}'),
        (ApiError(503, "off", fix="turn it on", since=3), '{"error": "off", "fix": "turn it on", "since": 3}'),
    ],
)
async def test_what_a_handler_refuses_is_json_wherever_it_is_served(refusal, body):
    status, headers, text = await ask(refusal)
    assert (status, headers["Content-Type"], text) == (refusal.status, "application/json; charset=utf-8", body)


async def test_headers_go_with_a_refusal():
    _, headers, _ = await ask(ApiError(401, "who are you?", headers={"WWW-Authenticate": "Bearer"}))
    assert headers["WWW-Authenticate"] == "Bearer"


async def test_what_aiohttp_refuses_is_json_below_api():
    status, headers, text = await ask(None, "/api/v1/plugs", "DELETE")
    assert (status, headers["Allow"]) == (405, "GET,HEAD")
    assert json.loads(text) == {"error": "Method Not Allowed", "field": "method", "fix": "use GET or HEAD"}
    assert (await ask(None, "/plugs", "DELETE"))[2] == "405: Method Not Allowed"


async def test_a_path_that_nobody_offers_is_refused_as_json_below_api():
    status, _, text = await ask(None, "/api/v1/plug")
    answer = json.loads(text)
    assert (status, answer["error"], answer["field"]) == (404, "Not Found", "path")
    assert answer["fix"]


async def test_a_bug_tells_nothing():
    status, _, text = await ask(ValueError("secret"), "/api/v1/plugs")
    assert status == 500
    assert "secret" not in text


def test_a_query_is_read_with_its_defaults():
    assert Plugs.parse({"limit": "3", "share": "0.5"}) == Plugs(room="all", limit=3, share=0.5)


@pytest.mark.parametrize(
    ("parameters", "body"),
    [
        ({"limit": "0"}, {"error": "Input should be greater than or equal to 1", "field": "limit"}),
        ({"share": "nan"}, {"error": "Input should be a finite number", "field": "share"}),
        ({"rooom": "x"}, {"error": "unknown parameter; there are room, limit, share", "field": "rooom"}),
        (MultiDict([("room", "a"), ("room", "b")]), {"error": "given twice", "field": "room"}),
    ],
)
def test_a_query_that_cannot_be_meant_names_the_parameter(parameters, body):
    with pytest.raises(ApiError) as caught:
        Plugs.parse(parameters)
    assert (caught.value.status, caught.value.body) == (400, body)


@given(st.lists(st.tuples(st.sampled_from(["room", "limit", "share", "x"]), st.text())))
def test_any_query_is_read_or_refused(parameters):
    try:
        Plugs.parse(MultiDict(parameters))
    except ApiError as refusal:
        assert refusal.body["field"] in ("room", "limit", "share", "x")

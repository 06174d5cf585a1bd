"""The energy graph: what goes in comes out, and what is missing or over has a name."""

from __future__ import annotations

from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_core.metering import FlowEdge, FlowLink, FlowThing, balance, kind_of, label_of
from collector_core.metering.flow import host_of


def edges(things, *links):
    graph = balance(
        [FlowThing(name, *(watts if isinstance(watts, tuple) else (watts,))) for name, watts in things.items()],
        [FlowLink(*link) for link in links],
    )
    return {(edge.source, edge.target): pytest.approx(edge.watts) for edge in graph.edges}


def test_what_the_parts_leave_of_a_host_is_unknown():
    things = {"plug/desk": 100.0, "host/nas": None, "component/nas/cpu": 60.0}
    assert edges(things, ("plug/desk", "host/nas"), ("host/nas", "component/nas/cpu")) == {
        ("plug/desk", "host/nas"): 100.0,
        ("host/nas", "component/nas/cpu"): 60.0,
        ("host/nas", "unknown/host/nas"): 40.0,
    }


def test_where_parts_say_more_than_the_source_the_difference_comes_from_unknown():
    things = {"plug/desk": 50.0, "host/nas": None, "component/nas/cpu": 60.0}
    found = edges(things, ("plug/desk", "host/nas"), ("host/nas", "component/nas/cpu"))
    assert found["unknown/from/host/nas", "host/nas"] == 10.0
    assert found["host/nas", "component/nas/cpu"] == 60.0


def test_a_host_whose_source_nobody_knows_is_fed_from_unknown():
    found = edges({"host/nas": None, "component/nas/cpu": 60.0}, ("host/nas", "component/nas/cpu"))
    assert found["unknown/from/host/nas", "host/nas"] == 60.0


def test_two_power_supplies_of_one_host_add_up():
    things = {"plug/a": 110.0, "plug/b": 115.0, "host/nas": None, "component/nas/cpu": 200.0}
    links = ("plug/a", "host/nas"), ("plug/b", "host/nas"), ("host/nas", "component/nas/cpu")
    found = edges(things, *links)
    assert found["plug/a", "host/nas"] == 110.0
    assert found["plug/b", "host/nas"] == 115.0
    assert found["host/nas", "unknown/host/nas"] == 25.0


def test_what_a_source_gives_beyond_a_known_host_goes_to_the_one_of_which_nothing_is_known():
    things = {"battery/garage": 100.0, "host/this": None, "component/this/cpu": 60.0, "host/nas": None}
    links = ("battery/garage", "host/this"), ("battery/garage", "host/nas"), ("host/this", "component/this/cpu")
    found = edges(things, *links)
    assert found["battery/garage", "host/this"] == 60.0
    assert found["battery/garage", "host/nas"] == 40.0


def test_what_two_hosts_take_of_which_nothing_is_known_is_not_guessed():
    found = edges({"ups/a": 100.0, "host/x": None, "host/y": None}, ("ups/a", "host/x"), ("ups/a", "host/y"))
    assert found == {("ups/a", "unknown/ups/a"): 100.0}


def test_guests_that_claim_more_than_their_processor_has_take_the_rest_from_unknown():
    things = {"component/h/cpu": 50.0, "guest/h/a": 40.0, "guest/h/b": 60.0}
    found = edges(things, ("component/h/cpu", "guest/h/a"), ("component/h/cpu", "guest/h/b"))
    assert found["component/h/cpu", "guest/h/a"] == 20.0
    assert found["unknown/from/guest/h/b", "guest/h/b"] == 30.0


def test_a_battery_keeps_or_adds_what_it_charges_or_discharges():
    things = {"solar/roof": 500.0, "battery/shed": (500.0, 200.0), "site/home": None, "plug/desk": 80.0}
    links = ("solar/roof", "battery/shed"), ("battery/shed", "site/home"), ("site/home", "plug/desk")
    found = edges(things, *links)
    assert found["battery/shed", "site/home"] == 200.0
    assert found["site/home", "unknown/site/home"] == 120.0


def test_what_flows_from_one_thing_to_another_is_one_edge():
    things = {"component/h/cpu": 50.0, "service/h/others": None}
    links = [("component/h/cpu", "service/h/others", watts) for watts in (10.0, 20.0, 15.0)]
    graph = balance([FlowThing(*each) for each in things.items()], [FlowLink(*link) for link in links])
    found = [edge.watts for edge in graph.edges if edge.target == "service/h/others"]
    assert found == [pytest.approx(45.0)]


def test_a_source_that_draws_gives_nothing():
    things = {"solar/roof": -3.0, "site/home": None, "plug/desk": 80.0}
    found = edges(things, ("solar/roof", "site/home"), ("site/home", "plug/desk"))
    assert found == {("unknown/from/site/home", "site/home"): 80.0, ("site/home", "plug/desk"): 80.0}


def test_a_circle_of_feeders_is_no_circle_in_the_graph():
    found = edges({"plug/a": 10.0, "plug/b": 10.0}, ("plug/a", "plug/b"), ("plug/b", "plug/a"))
    assert found == {("plug/a", "unknown/plug/a"): 10.0, ("plug/b", "unknown/plug/b"): 10.0}


def test_a_link_that_is_told_twice_passes_nothing_on_twice():
    assert edges({"plug/a": 10.0, "host/nas": None}, *[("plug/a", "host/nas")] * 2) == {("plug/a", "host/nas"): 10.0}


@pytest.mark.parametrize(
    ("identity", "label"),
    [
        ("plug/desk", "desk"),
        ("component/nas/cpu", "cpu"),
        ("guest/nas/a/b", "a/b"),
        ("unknown/from/host/nas", "nas"),
        ("unknown/component/nas/cpu", "cpu"),
        ("site/<b>home</b>", "<b>home</b>"),
    ],
)
def test_labels_are_names_without_kind_and_host(identity, label):
    assert label_of(identity) == label


@pytest.mark.parametrize(("identity", "host"), [("guest/nas/a/b", "nas"), ("host/nas", "nas"), ("guest", ""), ("", "")])
def test_a_node_whose_id_names_no_host_is_in_none(identity, host):
    assert host_of(identity) == host


KINDS = ("grid", "solar", "battery", "ups", "plug", "circuit", "site", "host", "component", "guest", "service")
WATTS = st.one_of(st.none(), st.floats(-10, 1e5))


@st.composite
def networks(draw):
    names = draw(st.lists(st.builds("{}/{}".format, st.sampled_from(KINDS), st.integers(0, 9)), unique=True))
    gives = {name: draw(WATTS) if name.startswith("battery") else None for name in names}
    things = [FlowThing(name, draw(WATTS), gives[name]) for name in names]
    one = st.sampled_from(names) if names else st.nothing()
    return things, draw(st.lists(st.builds(FlowLink, one, one, WATTS), max_size=30)) if names else []


@given(networks())
def test_every_graph_conserves(network):
    things, links = network
    graph = balance(things, links)
    into, out_of = defaultdict(float), defaultdict(float)
    assert len({edge[:2] for edge in graph.edges}) == len(graph.edges)
    for edge in graph.edges:
        assert isinstance(edge, FlowEdge)
        assert edge.watts > 0
        out_of[edge.source] += edge.watts
        into[edge.target] += edge.watts
    for node in graph.nodes:
        given_in, given_out = into[node.id], out_of[node.id]
        if given_in and given_out and node.kind != "battery":
            assert given_in == pytest.approx(given_out, rel=0.01, abs=0.2)
        if not given_in:
            assert node.kind in ("grid", "solar", "battery", "ups", "plug", "circuit", "unknown")
        assert node.kind == kind_of(node.id)
    measured = {thing.id: thing.watts for thing in things if thing.watts is not None and thing.gives is None}
    for node in graph.nodes:
        if node.id in measured and node.kind != "battery":
            assert node.watts >= measured[node.id] - 0.2

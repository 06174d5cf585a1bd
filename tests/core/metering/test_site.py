"""The ledger of a whole site: each joule once, whoever feeds whom, and the same sum as the energy graph."""

from __future__ import annotations

from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_core.metering import (
    FlowLink,
    FlowThing,
    SiteAccount,
    SiteLedger,
    SitePart,
    balance,
)

CPU, GPU, PLUG, UPS = "component/nas/cpu", "component/nas/gpu", "plug/desk", "ups/rack"
NAS = (FlowLink("host/nas", CPU), FlowLink("host/nas", GPU))


def part(node, joules, watts=None, **more):
    kind, _, name = node.partition("/")
    return SitePart(node, SiteAccount(kind, name, ""), joules, watts, **more)


def booked(ledger):
    return {f"{account.component}/{account.device}": joules for account, joules in ledger.joules.items()}


def test_what_feeds_a_host_counts_only_beyond_its_components():
    ledger = SiteLedger()
    ledger.update([part(CPU, 60.0, 6.0), part(PLUG, 100.0, 10.0)], [*NAS, FlowLink(PLUG, "host/nas")])
    assert booked(ledger) == {CPU: 60.0, PLUG: 40.0}
    assert sum(ledger.watts.values()) == pytest.approx(10.0)


def test_of_a_chain_the_outermost_is_the_sum():
    ledger = SiteLedger()
    links = [*NAS, FlowLink(UPS, PLUG), FlowLink(PLUG, "host/nas")]
    ledger.update([part(CPU, 60.0), part(PLUG, 100.0), part(UPS, 130.0)], links)
    assert booked(ledger) == {CPU: 60.0, PLUG: 40.0, UPS: 30.0}


def test_two_power_supplies_of_one_host_add_up():
    ledger = SiteLedger()
    links = [*NAS, FlowLink("plug/a", "host/nas"), FlowLink("plug/b", "host/nas")]
    ledger.update([part(CPU, 80.0), part("plug/a", 100.0), part("plug/b", 60.0)], links)
    assert booked(ledger) == {CPU: 80.0, "plug/a": pytest.approx(50.0), "plug/b": pytest.approx(30.0)}


def test_meters_that_feed_nothing_known_are_added():
    ledger = SiteLedger()
    ledger.update([part("plug/a", 10.0), part("plug/b", 20.0)], [])
    assert sum(ledger.joules.values()) == 30.0


def test_a_meter_that_is_read_seldom_makes_no_joule_twice():
    ledger, links = SiteLedger(), [*NAS, FlowLink(PLUG, "host/nas")]
    for second in range(1, 31):
        ledger.update([part(CPU, 60.0), part(PLUG, 1000.0 if second % 10 == 0 else 0.0)], links)
    assert sum(ledger.joules.values()) == pytest.approx(3000.0)


def test_a_battery_that_charges_consumes_nothing():
    ledger, links = SiteLedger(), [FlowLink("solar/roof", "battery/shed/in"), FlowLink("battery/shed", "site/home")]
    parts = [part("solar/roof", 500.0), part("battery/shed/in", 500.0, is_consumed=False), part("battery/shed", 200.0)]
    ledger.update(parts, links)
    assert booked(ledger) == {"battery/shed": 200.0}


def test_a_feeder_that_comes_back_does_not_count_what_was_counted_behind_it():
    ledger, links = SiteLedger(), [*NAS, FlowLink(PLUG, "host/nas")]
    ledger.update([part(CPU, 60.0), part(PLUG, 100.0)], links)
    ledger.update([part(CPU, 60.0)], links)
    ledger.update([part(CPU, 60.0), part(PLUG, 200.0, is_back=True)], links)
    ledger.update([part(CPU, 60.0), part(PLUG, 100.0)], links)
    assert booked(ledger) == {CPU: 240.0, PLUG: 80.0}


def test_a_change_of_who_feeds_whom_makes_no_jump():
    ledger = SiteLedger()
    ledger.update([part(CPU, 60.0), part(PLUG, 100.0)], NAS)
    before = sum(ledger.joules.values())
    for _ in range(5):
        ledger.update([part(CPU, 60.0), part(PLUG, 100.0)], [*NAS, FlowLink(PLUG, "host/nas")])
    assert sum(ledger.joules.values()) - before == pytest.approx(500.0)


SOURCES = ("grid/g", "solar/s", "ups/u", "plug/p", "plug/q", "circuit/c")
HOSTS = ("host/a", "host/b", "host/c")


@st.composite
def trees(draw):
    """Sources in chains above hosts, each giving at least what is behind it."""
    links, watts, above = [], {}, list(SOURCES)
    for host in HOSTS:
        for component in ("cpu", "gpu"):
            node = f"component/{host.partition('/')[2]}/{component}"
            watts[node] = draw(st.floats(0, 500))
            links.append(FlowLink(host, node))
        if draw(st.booleans()):
            links.append(FlowLink(draw(st.sampled_from(SOURCES)), host))
    for place, source in enumerate(above[1:], start=1):
        if draw(st.booleans()):
            links.append(FlowLink(draw(st.sampled_from(above[:place])), source))
    children = defaultdict(list)
    for link in links:
        children[link.source].append(link.target)

    def need(node):
        return max(watts.get(node, 0.0), sum(need(each) for each in children[node]))

    for source in reversed(above):
        watts[source] = need(source) + draw(st.floats(0, 100))
    return watts, links


@given(trees())
def test_the_site_is_what_the_sources_of_the_graph_give(tree):
    watts, links = tree
    ledger = SiteLedger()
    ledger.update([part(node, value, value) for node, value in watts.items()], links)
    things = [FlowThing(node, value) for node, value in watts.items()] + [FlowThing(host) for host in HOSTS]
    graph = balance(things, links)
    fed = {edge.target for edge in graph.edges}
    given_by_sources = sum(edge.watts for edge in graph.edges if edge.source not in fed)
    assert sum(ledger.watts.values()) == pytest.approx(given_by_sources, abs=0.01)
    assert sum(ledger.joules.values()) == pytest.approx(given_by_sources, abs=0.01)


@given(trees(), st.data())
def test_whatever_the_links_and_the_order_of_readings_no_joule_counts_twice(tree, data):
    """The sum stays between what the innermost meters say and what all say that nobody else feeds."""
    watts, links = tree
    nodes = sorted(watts)
    ends = st.sampled_from([*nodes, *HOSTS])
    links = [*links, *data.draw(st.lists(st.builds(FlowLink, ends, ends), max_size=4))]
    ledger, owed, total = SiteLedger(), dict.fromkeys(nodes, 0.0), 0.0
    for _ in range(6):
        said = {}
        for node in nodes:
            owed[node] += watts[node]
            said[node] = owed[node] if data.draw(st.booleans()) else 0.0
            owed[node] -= said[node]
        new = ledger.update([part(node, joules) for node, joules in said.items()], links)
        assert all(joules >= 0 for joules in new.values())
        total += sum(new.values())
    assert total == pytest.approx(sum(ledger.joules.values()))
    assert total <= 6 * sum(watts.values()) + 0.01

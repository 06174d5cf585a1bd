"""Latency and loss, to real ports on loopback."""

import json
import socket

import pytest


@pytest.fixture
def port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def closed_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def test_a_port_that_listens_is_reached_and_one_that_refuses_is_not(node, port):
    made = node(targets={"open": f"127.0.0.1:{port}", "closed": f"127.0.0.1:{closed_port()}"})
    text = made.run().exposition()
    assert 'performance_network_loss_ratio{target="open"} 0.0' in text
    assert 'performance_network_latency_seconds{target="open"}' in text
    assert 'performance_network_loss_ratio{target="closed"} 1.0' in text
    assert 'performance_network_latency_seconds{target="closed"}' not in text
    assert made.harness.part_failures == []
    network = json.loads(made.collector._state.snapshots[-1].text)["network"]
    assert network["loss_ratio"] == {"open": 0, "closed": 1}
    assert set(network["latency_seconds"]) == {"open"}


def test_a_name_is_reached_at_any_of_its_addresses(node, port):
    """`localhost` has two on most machines; the port listens at one."""
    text = node(targets={"local": f"localhost:{port}"}).run().exposition()
    assert 'performance_network_loss_ratio{target="local"} 0.0' in text


def test_no_answer_is_loss_and_has_no_latency(node):
    """A listener whose queue is full drops what more comes, as a firewall would."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(address)
        made = node(targets={"mute": f"127.0.0.1:{address[1]}"}, timeout=0.9)
        text = made.run().exposition()
        for each in waiting:
            each.close()
    assert 'performance_network_loss_ratio{target="mute"} 1.0' in text
    assert "performance_network_latency_seconds" not in text


def test_an_address_that_cannot_be_found_fails_alone(node, port):
    made = node(targets={"lost": "[fe80::1%nosuch0]:80", "open": f"127.0.0.1:{port}"})
    text = made.run().exposition()
    assert [part.name for part in made.harness.part_failures] == ["target=lost"]
    assert 'performance_network_loss_ratio{target="open"} 0.0' in text
    assert 'performance_network_loss_ratio{target="lost"}' not in text
    assert 'performance_target_up{target="lost"} 0.0' in text
    assert 'performance_target_up{target="open"} 1.0' in text

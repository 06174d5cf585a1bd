"""How a node refuses batches, and how it says that it is asked too often: for a while, and in ways of its own."""

import json
from itertools import pairwise

import pytest

from collector_core import NotAvailable
from collector_plugins.blockchain import metrics
from collector_plugins.blockchain.batch_size import FIRST_PAUSE, LONGEST_PAUSE
from tests.plugins.blockchain.fakechain import TRANSFER

INTERVAL = 5.0
TOO_LARGE = {"code": -32600, "message": "batch too large"}


def failure(harness, seconds):
    """Why the one node cannot be read in a run."""
    try:
        harness.run(advance=seconds)
    except NotAvailable as error:
        return error
    assert harness.value(metrics.NODE_UP, node="a", source="evm") == 0
    return harness.part_failures[0].error


def entry(error, number=None):
    return {"jsonrpc": "2.0", "id": number, "error": error}


def object_instead(node, request):
    return json.dumps(entry({"code": -32000, "message": "batch limit exceeded"})).encode()


def list_of_one(node, request):
    return json.dumps([entry(TOO_LARGE, request[0]["id"])]).encode()


def half_an_answer(node, request):
    return json.dumps([node.node._answer(each) for each in request[: len(request) // 2]]).encode()


def cut_off(node, request):
    return node.node.handle(json.dumps(request).encode())[:-30]


def response_too_large(node, request):
    answers, half = [node.node._answer(each) for each in request], len(request) // 2
    return json.dumps(
        answers[:half]
        + [entry({"code": -32003, "message": "response too large"}, each["id"]) for each in request[half:]]
    ).encode()


def http_status(status):
    def refuse(node, request):
        node.status_once = status
        return b""

    return refuse


def hang_up(node, request):
    node.hangs_up_once = True
    return b""


REFUSALS = {
    "one error": object_instead,
    "a list of one error": list_of_one,
    "half an answer": half_an_answer,
    "an answer that is cut off": cut_off,
    "too large a response": response_too_large,
    "400": http_status(400),
    "403": http_status(403),
    "413": http_status(413),
    "500": http_status(500),
    "504": http_status(504),
    "a dropped connection": hang_up,
}


class Batches:
    """Makes a node refuse batches of more than `most`; `sizes` are those of all requests."""

    def __init__(self, node, refuse, most):
        self.node, self.refuse, self.most, self.sizes = node, refuse, most, []
        self._handle = node.node.handle
        node.node.handle = self.handle

    def handle(self, message):
        request = json.loads(message)
        self.node.status_once = None
        self.sizes.append(len(request) if isinstance(request, list) else 1)
        if self.sizes[-1] > self.most:
            return self.refuse(Node(self.node, self._handle), request)
        return self._handle(message)


class Node:
    """The served node, with what it answered before it began to refuse."""

    def __init__(self, served, handle):
        object.__setattr__(self, "served", served)
        object.__setattr__(self, "handle", handle)

    @property
    def node(self):
        return Inner(self.served.node, self.handle)

    def __setattr__(self, name, value):
        setattr(self.served, name, value)


class Inner:
    def __init__(self, node, handle):
        self._answer, self.handle = node._answer, handle


@pytest.mark.parametrize("most", [1, 5])
@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_node_that_refuses_batches_is_read_in_smaller_ones(read, node, chain, refusal, most):
    chain.grow(3)
    batches = Batches(node, REFUSALS[refusal], most)
    harness = read(a=node)
    harness.run()
    chain.grow(12, TRANSFER)
    harness.run(advance=INTERVAL)
    assert harness.value(metrics.NODE_UP, node="a", source="evm") == 1
    assert harness.value(metrics.TRANSACTIONS, node="a") == 12
    assert harness.value(metrics.PEERS, node="a") == 25
    refused = [size for size in batches.sizes if size > most]
    batches.sizes.clear()
    harness.run(advance=INTERVAL)
    assert max(batches.sizes) <= most, f"what was refused before ({refused}) is not asked again at once"


def test_the_largest_batch_is_tried_again_after_a_while_and_less_and_less_often(read, node, chain):
    batches = Batches(node, list_of_one, 4)
    harness = read(a=node)
    harness.run()
    tries = []
    for second in range(0, 4 * int(LONGEST_PAUSE), 30):
        batches.sizes.clear()
        harness.run(advance=30)
        if max(batches.sizes) > 4:
            tries.append(second)
    pauses = [later - earlier for earlier, later in pairwise(tries)]
    assert pauses == sorted(pauses)
    assert pauses[0] >= FIRST_PAUSE
    assert max(pauses) <= LONGEST_PAUSE + 30


def test_a_node_that_takes_batches_again_gets_them(read, node):
    batches = Batches(node, list_of_one, 1)
    harness = read(a=node)
    harness.run()
    batches.most = 1000
    harness.run(advance=INTERVAL)
    assert max(batches.sizes[-9:]) == 1
    batches.sizes.clear()
    harness.run(advance=2 * FIRST_PAUSE)
    harness.run(advance=INTERVAL)
    assert batches.sizes == [9, 9]


LIMITS = [
    {"code": 429, "message": "Too many requests"},
    {"code": -32005, "message": "daily request count exceeded, request rate limited"},
    {"code": -32000, "message": "project has exceeded its capacity"},
]


@pytest.mark.parametrize("error", LIMITS)
@pytest.mark.parametrize("form", ["one error", "a list of one error", "an error for each", "no error but words"])
@pytest.mark.parametrize("transport", ["http", "ws", "ipc"])
def test_a_limit_is_unreachable_while_it_lasts_and_costs_no_request_afterwards(read, node, error, form, transport):
    harness = read(a={"url": getattr(node, transport)})
    harness.run()
    node.node.asked.clear()
    harness.run(advance=60)
    before = len(node.node.asked)

    def limited(message):
        request = json.loads(message)
        if form == "no error but words":
            return json.dumps({"status": error["code"], "message": error["message"]}).encode()
        if isinstance(request, dict):
            return json.dumps(entry(error, request["id"])).encode()
        each = [entry(error, one["id"]) for one in request]
        return json.dumps({"one error": entry(error), "a list of one error": each[:1]}.get(form, each)).encode()

    handle, node.node.handle = node.node.handle, limited
    for _ in range(4):
        error_shown = failure(harness, 60)
        assert (error_shown.reason, "longer `interval`" in error_shown.fix) == ("unreachable", True)
    node.node.handle = handle
    sizes = Batches(node, None, 1000).sizes
    node.node.asked.clear()
    harness.run(advance=60)
    assert (len(sizes), len(node.node.asked)) == (1, before)


def test_a_limit_in_plain_words_is_a_limit(read, node):
    node.fault = lambda answer: b"Rate limit exceeded, try again later.\n"
    error = failure(read(a=node), 60)
    assert (error.reason, "asked too often" in str(error)) == ("unreachable", True)


def test_a_limit_that_only_batches_exceed_makes_them_smaller(read, node):
    batches = Batches(node, http_status(429), 4)
    harness = read(a=node)
    failure(harness, 60)
    harness.run(advance=60)
    assert harness.value(metrics.NODE_UP, node="a", source="evm") == 1
    assert harness.value(metrics.PEERS, node="a") == 25
    batches.most = 1000
    harness.run(advance=2 * FIRST_PAUSE)
    batches.sizes.clear()
    harness.run(advance=INTERVAL)
    assert batches.sizes == [9]


def test_how_long_a_provider_asks_to_wait_is_kept(read, node):
    error = {"code": -32005, "message": "limit", "data": {"rate": {"backoff_seconds": 40}}}
    harness = read(a=node)
    harness.run()
    handle = node.node.handle
    node.node.handle = lambda message: node.node.asked.append(message) or json.dumps(entry(error)).encode()
    assert failure(harness, INTERVAL).retry_after == 40
    node.node.handle = handle
    node.node.asked.clear()
    failure(harness, 30)
    assert node.node.asked == []
    harness.run(advance=15)
    assert harness.value(metrics.NODE_UP, node="a", source="evm") == 1


def test_a_limit_on_one_optional_call_leaves_the_rest(read, node):
    node.node.methods["txpool_status"] = RuntimeError("rate limit exceeded")
    harness = read(a=node)
    harness.run()
    assert harness.value(metrics.NODE_UP, node="a", source="evm") == 1
    assert harness.value(metrics.MEMPOOL, node="a") == 5, "by its pending block"
    node.node.methods["txpool_status"] = {"pending": "0x7", "queued": "0x2"}
    harness.run(advance=FIRST_PAUSE)
    assert harness.value(metrics.MEMPOOL, node="a") == 7


def test_a_call_that_is_not_offered_is_left_out_until_the_node_may_have_been_upgraded(read, node):
    pool = node.node.methods.pop("txpool_status")
    harness = read(a=node)
    harness.run()
    node.node.asked.clear()
    harness.run(advance=INTERVAL)
    assert "txpool_status" not in [method for method, *_ in node.node.asked]
    node.node.methods["txpool_status"] = pool
    harness.run(advance=FIRST_PAUSE)
    assert harness.value(metrics.MEMPOOL, node="a") == 7


def test_an_upgraded_node_is_asked_again_at_once(read, node):
    pool = node.node.methods.pop("txpool_status")
    harness = read(a=node)
    harness.run()
    node.node.methods |= {"txpool_status": pool, "web3_clientVersion": "Geth/v1.17.0"}
    harness.run(advance=INTERVAL)
    harness.run(advance=INTERVAL)
    assert harness.value(metrics.MEMPOOL, node="a") == 7


def test_a_node_that_hangs_on_batches_is_read_one_by_one(read, node, chain):
    harness = read(a=node, timeout=0.5, interval=0.5)
    handle = node.node.handle

    def slow(message):
        node.delay = 1.0 if message.startswith(b"[") else 0.0
        return handle(message)

    node.node.handle = slow
    for _ in range(2):
        with pytest.raises(NotAvailable):
            harness.run(advance=60)
    harness.run(advance=60)
    assert harness.value(metrics.HEIGHT, node="a") == 0


def test_a_passing_hang_changes_nothing(read, node):
    harness = read(a=node, timeout=0.5, interval=0.5)
    node.delay = 1.0
    with pytest.raises(NotAvailable):
        harness.run(advance=60)
    node.heal()
    sizes = Batches(node, None, 1000).sizes
    harness.run(advance=60)
    assert sizes == [9, 1], "the questions, and the block to begin with"

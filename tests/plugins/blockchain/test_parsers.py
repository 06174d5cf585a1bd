"""Whatever comes from outside is a sane value or refused."""

import json
from math import isfinite

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_core import NotAvailable
from collector_plugins.blockchain.block import MAX_TRANSACTIONS, Block, parse_block
from collector_plugins.blockchain.ipc_transport import last_value
from collector_plugins.blockchain.promtext import Wanted, read_page
from collector_plugins.blockchain.quantities import LATEST_SECOND, MAX_INTEGER, hash32, quantity, unix_time
from collector_plugins.blockchain.refusals import RpcError, parse_error
from collector_plugins.blockchain.rpc import match, match_one
from collector_plugins.blockchain.state import parse_state
from tests.plugins.blockchain.fakechain import CREATE, TRANSFER, FakeChain, call

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=70) | st.from_regex(r"0x[0-9a-f]{0,66}"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)
FIELDS = ["number", "hash", "parentHash", "timestamp", "transactions", "size", "gasUsed"]


@given(st.integers(0, MAX_INTEGER))
def test_a_quantity_is_read_back(number):
    assert quantity(hex(number)) == quantity(hex(number).upper().replace("X", "x")) == number


@given(JSON)
def test_any_value_is_a_quantity_in_range_or_refused(value):
    try:
        assert 0 <= quantity(value) <= MAX_INTEGER
    except ValueError as error:
        assert len(str(error)) < 200


@pytest.mark.parametrize(
    "value", ["", "0x", "12", "0x-1", "0x 1", "0x1_0", "0x٣", " 0x1", "0x1\n", True, 7.5, -7, 1e400, None]
)
def test_what_is_no_quantity_is_refused(value):
    with pytest.raises(ValueError, match="not a quantity"):
        quantity(value)


@pytest.mark.parametrize("number", [0, 7, 7.0, 21_000_000])
def test_a_plain_number_is_a_quantity(number):
    assert quantity(number) == number


def test_a_time_may_be_a_number_with_a_fraction():
    assert unix_time(1_700_000_000.25) == 1_700_000_000.25
    assert unix_time(1_700_000_000_250.0) == 1_700_000_000.25


@pytest.mark.parametrize("unit", [1, 10**3, 10**6, 10**9])
@given(st.integers(10**9, 10**10))
def test_a_time_is_in_seconds_whatever_its_unit(unit, seconds):
    assert unix_time(hex(seconds * unit)) == unix_time(seconds * unit) == seconds


@given(JSON)
def test_any_value_is_a_time_before_the_year_5138_or_refused(value):
    try:
        assert 0 <= unix_time(value) < LATEST_SECOND
    except ValueError as error:
        assert len(str(error)) < 200


@pytest.mark.parametrize("field", ["parentHash", "timestamp", "size", "gasUsed"])
@given(JSON)
def test_a_malformed_field_of_no_importance_leaves_the_rest_of_a_block(field, value):
    head = FakeChain().add(TRANSFER, call(), CREATE)
    block, whole = parse_block({**head, field: value}, {}), parse_block(head, {})
    assert (block.number, block.hash, block.transactions, block.calls) == (
        whole.number,
        whole.hash,
        whole.transactions,
        whole.calls,
    )


@given(JSON)
def test_any_value_is_a_hash_or_refused(value):
    try:
        assert len(hash32(value)) == 66
    except ValueError as error:
        assert len(str(error)) < 200


@given(st.dictionaries(st.sampled_from(FIELDS), JSON), st.none() | st.just({"0xa9059cbb": "transfer"}))
def test_any_block_is_whole_or_refused(changes, functions):
    try:
        block = parse_block(FakeChain().add(TRANSFER, call(), CREATE) | changes, functions)
    except ValueError as error:
        assert len(str(error)) < 200
    else:
        assert isinstance(block, Block)
        assert 0 <= block.transactions <= MAX_TRANSACTIONS
        assert set(block.calls or ()) <= {"transfer", "create", "other"}
        assert block.contract_gas is None or block.contract_gas >= 0


@given(st.lists(st.dictionaries(st.sampled_from(["to", "input", "data"]), JSON) | JSON, max_size=5))
def test_any_transactions_have_a_bounded_set_of_functions(transactions):
    block = parse_block({**FakeChain().head, "transactions": transactions}, {"0xa9059cbb": "transfer"})
    assert set(block.calls or ()) <= {"transfer", "create", "other"}
    assert sum((block.calls or {}).values()) <= len(transactions)


@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_message_is_an_answer_or_refused(message):
    for take in (lambda: match(message, [1, 2]), lambda: match_one(message, 1)):
        try:
            take()
        except (NotAvailable, RpcError) as error:
            assert len(str(error)) < 300


@given(
    st.lists(
        st.fixed_dictionaries(
            {"id": st.sampled_from([1, 2, "1", None, True, 1.0])}, optional={"result": JSON, "error": JSON}
        ),
        max_size=3,
    )
)
def test_an_answer_to_a_batch_has_each_id_once(entries):
    try:
        found = match(json.dumps(entries).encode(), [1, 2])
    except (NotAvailable, RpcError):
        return
    assert set(found) == {1, 2}
    assert len(entries) == 2


@given(st.lists(JSON, min_size=9, max_size=9))
def test_any_state_without_a_block_is_refused_and_optional_values_never_raise(results):
    with pytest.raises(NotAvailable):
        parse_state([{"number": "0x1"}, *results[1:]])
    state = parse_state([FakeChain().head, *results[1:]])
    for value in (state.peers, state.pending, state.queued, state.missing):
        assert value is None or 0 <= value <= MAX_INTEGER
    assert len(state.client) <= 80
    assert state.client.isprintable()


@given(st.lists(JSON, min_size=1, max_size=3), st.integers(0, 20))
def test_the_last_of_several_values_is_found_and_none_while_one_is_cut_off(values, cut):
    text = "\n".join(json.dumps(value if isinstance(value, list) else [value]) for value in values)
    assert json.loads(last_value(text.encode())) is not None
    last = text.rpartition("\n")[2]
    assert last_value(text.encode()) == last.encode()
    if 0 < cut < len(last):
        assert last_value(text.encode()[:-cut]) is None


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_any_page_is_numbers_or_refused(page):
    wanted = [Wanted("a"), Wanted("height", frozenset({("chain", "x")}))]
    for start in (b"", b"a", b"a{", b"height{", b'height{chain="x"} '):
        try:
            for value in read_page(start + page, wanted).values():
                assert isfinite(value)
        except ValueError as error:
            assert len(str(error)) < 200


@given(st.text(max_size=40))
def test_any_text_is_a_series_or_refused(text):
    try:
        assert Wanted.parse(text).name
    except ValueError as error:
        assert len(str(error)) < 300


def test_a_page_gives_the_sum_of_what_is_wanted():
    page = b"""
# TYPE txs gauge
txs{state="pending",kind="a"} 3
txs{state="pending",kind="b"} 4
txs{state="queued"} 100
txs_total 9
height 12 1700000000000
broken line here
nothing NaN
"""
    pending, height, nothing = map(Wanted.parse, ['txs{state="pending"}', "height", "nothing"])
    assert read_page(page, [pending, height, nothing, Wanted("gone")]) == {pending: 7, height: 12}


def test_a_line_that_is_wanted_and_broken_is_refused():
    with pytest.raises(ValueError, match="line 1: cannot read"):
        read_page(b"height twelve\n", [Wanted("height")])


@given(JSON)
def test_any_error_is_bounded_printable_and_of_one_kind(error):
    found = parse_error(error)
    assert len(str(found)) < 200
    assert str(found).isprintable()
    assert not (found.is_limit and found.is_about_size)
    assert found.pause is None or found.pause >= 0


@pytest.mark.parametrize(
    ("error", "is_limit", "pause"),
    [
        ({"code": 429, "message": "no"}, True, None),
        ({"code": "429", "message": "no"}, True, None),
        ({"code": -32005, "message": "daily request count exceeded", "data": {"backoff_seconds": 30}}, True, 30),
        ({"code": -32005, "message": "", "data": {"rate": {"backoff_seconds": 12.5}}}, True, 12.5),
        ({"code": -32000, "message": "call rate limit exhausted, retry in 10s"}, True, 10),
        ({"code": -32000, "message": "Please wait 500ms between calls: throttled"}, True, 0.5),
        ({"code": -32603, "message": "15/second request limit reached"}, True, None),
        ("over the rate limit", True, None),
        ({"code": -32600, "message": "batch too large"}, False, None),
        ({"code": -32003, "message": "response size exceeded"}, False, None),
        ({"code": -32000, "message": "header not found"}, False, None),
        ({"code": -32601, "message": "the method eth_x does not exist/is not available"}, False, None),
    ],
)
def test_what_says_that_it_is_asked_too_often_is_a_limit(error, is_limit, pause):
    found = parse_error(error)
    assert (found.is_limit, found.pause) == (is_limit, pause)

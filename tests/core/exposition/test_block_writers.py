"""The compiled part writes what Python writes, byte for byte."""

import math
import struct
from array import array

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from collector_core import _speed
from collector_core.exposition.block_writers import GROUP, CompiledWriter, PythonWriter
from collector_core.exposition.line_heads import Block

pytestmark = pytest.mark.skipif(bool(_speed.problem), reason=f"the compiled part does not run: {_speed.problem}")

BITS = st.integers(0, 2**64 - 1).map(lambda bits: struct.unpack("d", struct.pack("Q", bits))[0])
EDGES = [
    *(0.0, -0.0, math.inf, -math.inf, math.nan, 5e-324, -5e-324, 2.2250738585072014e-308, 1.7976931348623157e308),
    *(1e-5, 1e-4, 9.999999999999999e-05, 0.00012345678901234567, 0.1, 1 / 3, 1e5, 999999.0, 999999.9999999999, 1e6),
    *(1e15, 1e16, 9999999999999998.0, 1e17, 1e22, 1e23, 2.0**-44, 2.0**52, 2.0**53, 2.0**53 + 2, 2.0**63, 2.0**64),
]
EDGES = [*EDGES, *(-value for value in EDGES), *(math.nextafter(value, math.inf) for value in EDGES)]
VALUES = st.one_of(
    st.sampled_from(EDGES),
    BITS,
    st.floats(),
    st.integers(-(10**17), 10**17).map(float),
    st.decimals(0, 10**7, places=3),
    st.integers(0, 9999).flatmap(lambda digits: st.integers(0, 15).map(lambda zeros: digits * 10**zeros)),
).map(float)


def writer_of(writer_type, count, size, head='x{a="%s %% é\\n"}'):
    """A writer of so many lines, in blocks of this size."""
    ends = [min(start + size, count) for start in range(0, count, size)]
    starts = range(0, count, size)
    return writer_type(
        [Block(start, end, writer_type.lines([head] * (end - start))) for start, end in zip(starts, ends, strict=True)]
    )


def written_in_python(values):
    (text,) = writer_of(PythonWriter, len(values), len(values)).write(array("d", values))
    return text


@settings(max_examples=300)
@given(values=st.lists(VALUES, min_size=1, max_size=3 * GROUP))
@example(EDGES)
def test_values_are_written_as_in_python(values):
    writer = writer_of(CompiledWriter, len(values), 2 * GROUP + 1)
    assert b"".join(writer.write(array("d", values))) == written_in_python(values)


@pytest.mark.parametrize("writer_type", [CompiledWriter, PythonWriter])
def test_nothing_stays_the_same_list(writer_type):
    writer = writer_type([])
    texts = writer.write(array("d"))
    assert texts == []
    assert writer.write(array("d")) is texts


@pytest.mark.parametrize("writer_type", [CompiledWriter, PythonWriter])
def test_a_writer_knows_what_stands_before_its_values(writer_type):
    heads = ["a", 'b{c="d e %s %% é\\n %s"}', "f"]
    writer = writer_type([Block(0, 2, writer_type.lines(heads[:2])), Block(2, 3, writer_type.lines(heads[2:]))])
    for values in ([], [1, 2, 3], [1, 1e6, 3]):
        if values:
            writer.write(array("d", values))
        assert [writer_type.heads(lines) for lines in writer.kept(0, 2)] == [heads[:2], heads[2:]]
        assert [writer_type.heads(lines) for lines in writer.kept(1, 2)] == [heads[2:]]


@pytest.mark.parametrize("writer_type", [CompiledWriter, PythonWriter])
@given(
    first=st.lists(VALUES, min_size=1, max_size=5 * GROUP),
    runs=st.lists(st.dictionaries(st.integers(0, 5 * GROUP - 1), VALUES, max_size=9), max_size=3),
)
def test_what_has_changed_is_written_as_if_all_were_new(writer_type, first, runs):
    writer = writer_of(writer_type, len(first), 2 * GROUP + 1)
    before = array("d", first)
    texts = writer.write(before)
    for changes in runs:
        values = array("d", [changes.get(place, value) for place, value in enumerate(before)])
        found = writer.write(values)
        assert b"".join(found) == written_in_python(values)
        assert (found is texts) == (values.tobytes() == before.tobytes())
        before, texts = values, found


def test_a_writer_goes_on_after_values_that_do_not_fit():
    writer = writer_of(CompiledWriter, 2, 2, "x")
    writer.write(array("d", [1, 2]))
    with pytest.raises(ValueError, match="do not fit"):
        writer.write(array("d", [1]))
    assert writer.write(array("d", [1, 3])) == [b"x 1.0\nx 3.0\n"]


NONE, ONE, TWO = array("d"), array("d", [1.0]), array("d", [1.0, 2.0])
LINE, PLACE = [b"x -\n"], array("q", [0])
FAR = 2**63 - 1


@pytest.mark.parametrize(
    ("error", "arguments"),
    [
        (ValueError, (LINE, array("q", [2]), ONE, NONE, PLACE)),
        (ValueError, (LINE, array("q", [-1]), ONE, NONE, PLACE)),
        (ValueError, (LINE, array("q", [-FAR - 1]), ONE, NONE, PLACE)),
        (ValueError, (LINE, array("q", [FAR]), ONE, NONE, PLACE)),
        (ValueError, (LINE * 2, array("q", [1, 0]), ONE, NONE, PLACE * 2)),
        (ValueError, (LINE, array("q"), ONE, NONE, PLACE)),
        (ValueError, (LINE, array("i", [1]), ONE, NONE, PLACE)),
        (ValueError, (LINE, array("q", [1]), array("f", [1.0]), NONE, PLACE)),
        (ValueError, (LINE, array("q", [1]), memoryview(bytearray(9))[1:].cast("d"), NONE, PLACE)),
        (ValueError, (LINE, array("q", [1]), memoryview(bytearray(8)).cast("d", (1, 1)), NONE, PLACE)),
        (BufferError, (LINE, array("q", [1]), ONE, NONE, memoryview(PLACE).toreadonly())),
        (ValueError, (LINE, array("q", [1]), ONE, NONE, array("q"))),
        (ValueError, ([b""], array("q", [1]), ONE, NONE, PLACE)),
        (ValueError, ([b"x"], array("q", [1]), ONE, NONE, PLACE)),
        (ValueError, (LINE, array("q", [2]), TWO, NONE, PLACE)),
        (ValueError, (LINE * 2, array("q", [1, 2]), TWO, NONE, PLACE)),
        (ValueError, ([], array("q", [1]), array("d", [2.0]), ONE, PLACE)),
        (ValueError, ([b"x 1.0\n"], array("q", [1]), array("d", [2.0]), TWO, PLACE)),
        (ValueError, ([b"x 1.0\nx 2.0"], array("q", [2]), array("d", [3.0, 2.0]), TWO, PLACE)),
        (TypeError, (["x -\n"], array("q", [1]), ONE, NONE, PLACE)),
        (TypeError, ((b"x -\n",), array("q", [1]), ONE, NONE, PLACE)),
        (TypeError, (LINE, [1], ONE, NONE, PLACE)),
        (TypeError, (LINE, array("q", [1]), ONE, NONE)),
    ],
)
def test_what_does_not_fit_together_is_refused(error, arguments):
    with pytest.raises(error):
        _speed.write_blocks(*arguments)


@pytest.mark.parametrize("end", [-1, 103, FAR, -FAR - 1])
def test_groups_that_end_outside_of_their_block_are_refused(end):
    before, values = array("d", [1.0]) * 17, array("d", [*[1.0] * 16, 2.0])
    with pytest.raises(ValueError, match=r"outside|fewer lines"):
        _speed.write_blocks([b"x 1.0\n" * 17], array("q", [17]), values, before, array("q", [end, 0]))


def test_nothing_and_large_blocks_are_written_too():
    assert _speed.write_blocks([], array("q"), NONE, NONE, array("q")) == []
    assert _speed.write_blocks([b"", b"x -\n"], array("q", [0, 1]), ONE, NONE, PLACE[:]) == [b"", b"x 1.0\n"]
    assert _speed.write_blocks([b"\n"], array("q", [1]), ONE, NONE, PLACE[:]) == [b"1.0\n"]
    head, values = b"y" * 10_000 + b" ", array("d", [-1.7976931348623157e308]) * 1000
    (text,) = _speed.write_blocks([(head + b"-\n") * 1000], array("q", [1000]), values, NONE, PLACE * 63)
    assert text == (head + b"-1.7976931348623157e+308\n") * 1000

"""Labels as they are written."""

from hypothesis import given
from hypothesis import strategies as st

from collector_core.model.labels import label_text, label_writer

NAMES = st.sampled_from(["a", "b", "_c", "host", "Z1"])
TEXTS = st.text(max_size=9) | st.sampled_from(["%s", "%", '"\n\\', 'a="b",', "{}"])


@given(
    fixed=st.dictionaries(NAMES, TEXTS),
    names=st.lists(NAMES, unique=True),
    series=st.lists(st.lists(TEXTS, min_size=5, max_size=5), max_size=3),
)
def test_labels_of_many_series_are_written_as_those_of_one(fixed, names, series):
    written = label_writer(fixed, names)
    for values in series:
        own = values[: len(names)]
        assert written(own) == label_text({**fixed, **dict(zip(names, own, strict=True))})


def test_labels_are_sorted_and_escaped():
    assert label_writer({"site": 'the "%s"'}, ("zone", "host"))(["50 %\n", "\\"]) == (
        r'{host="\\",site="the \"%s\"",zone="50 %\n"}'
    )
    assert label_writer({}, ())([]) == ""

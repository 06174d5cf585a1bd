"""Our negotiation is prometheus_client's, but for headers that are malformed."""

from hypothesis import example, given
from hypothesis import strategies as st
from prometheus_client.exposition import choose_encoder, gzip_accepted

from collector_core.exposition.formats import ExpositionFormat, negotiate

MEDIA = ["text/plain", "application/openmetrics-text", " application/openmetrics-text ", "*/*", "text/html", ""]
VERSIONS = [
    "version=0.0.4",
    "version=0.0.1",
    "version=1.0.0",
    "version=2.0.0",
    "version=1",
    "version=",
    "version= 1.0.0",
]
OTHERS = ["q=0.5", "charset=utf-8", "escaping=dots", "escaping=allow-utf-8", "escaping=values", "escaping=?", "x", ""]

entries = st.builds(
    lambda media, parameters: ";".join([media, *parameters]),
    st.sampled_from(MEDIA),
    st.lists(st.sampled_from(VERSIONS + OTHERS), max_size=4),
)
PROMETHEUS = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;q=0.4,*/*;q=0.3"
)


@given(st.lists(entries, max_size=4).map(",".join))
@example(PROMETHEUS)
def test_the_format_is_the_one_that_prometheus_client_chooses(accept):
    _, content_type = choose_encoder(accept)
    encoding = negotiate(accept, "")
    assert encoding.content_type == content_type
    assert (encoding.format is ExpositionFormat.OPENMETRICS) == content_type.startswith("application/openmetrics-text")


@given(st.lists(st.sampled_from(["gzip", " GZIP ", "gzip;q=0.5", "deflate", "*", "x-gzip", ""]), max_size=4))
def test_gzip_is_sent_where_prometheus_client_would(codings):
    header = ",".join(codings)
    assert negotiate("", header).gzip == gzip_accepted(header)


@given(st.text())
def test_no_header_is_too_odd(text):
    assert negotiate(text, text).content_type

"""What tests share is started once: those of a group, and those of a file, run on one worker."""

import pytest

from tests.scheduling import LoadFileOrGroupScheduling


@pytest.mark.xdist_group("probe")
def test_a_group_reaches_the_scheduler(request):
    if not request.config.getoption("loadgroup", False):
        pytest.skip("only with --dist loadgroup")
    assert request.node.nodeid.endswith("@probe")


@pytest.mark.parametrize(
    ("nodeid", "scope"),
    [
        ("tests/core/test_a.py::test_b", "tests/core/test_a.py"),
        ("tests/core/test_a.py::test_b[x@y]", "tests/core/test_a.py"),
        ("tests/core/test_a.py::TestC::test_b[::]", "tests/core/test_a.py"),
        ("tests/core/test_a.py::test_b@kafka", "kafka"),
        ("tests/core/test_a.py::test_b[x@y]@kafka", "kafka"),
    ],
)
def test_tests_of_no_group_stay_with_their_file(nodeid, scope):
    scheduling = LoadFileOrGroupScheduling.__new__(LoadFileOrGroupScheduling)
    assert scheduling._split_scope(nodeid) == scope

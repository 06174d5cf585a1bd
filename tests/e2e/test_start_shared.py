"""What the tests of a file share is there for each of them, whatever became of it in the one before."""

import pytest


def test_a_program_that_has_ended_fails_one_test_with_its_log_and_is_started_anew(start_shared, tmp_path):
    config = tmp_path / "config.yaml"
    config.write_text("history: off\ncollectors: {}\n")
    options = ("empty", "--config", config)
    first = start_shared(*options)
    assert start_shared(*options) is first
    first.process.kill()
    first.process.wait()
    with pytest.raises(AssertionError, match="ended with -9"):
        start_shared(*options)
    again = start_shared(*options)
    assert again.pid != first.pid
    assert again.request("/readyz").status == 200

"""A fault is logged when it begins, when its reason changes and when it is over; never in between."""

import logging

import pytest

from collector_core import FaultLog, NotAvailable, Reason, Result, RunReport
from collector_core.model.readings import PartFailure


@pytest.fixture
def faults(caplog):
    caplog.set_level(logging.DEBUG)
    return FaultLog(logging.getLogger("test"))


def refused(detail="refused"):
    return NotAvailable("unreachable", detail, fix="start it")


def report(*failing, result=Result.PARTIAL, **details):
    parts = tuple(PartFailure({"plug": name}, error) for name, error in failing)
    return RunReport("probe", "probe", result, 0.0, 0.0, part_failures=parts, **details)


def test_a_failure_is_logged_once_with_its_fix(faults, caplog):
    for number in range(5):
        faults.record_failure("heater", refused(f"refused {number}"))
    assert caplog.messages == ["heater fails: refused 0; fix: start it"]
    assert caplog.records[0].levelno == logging.WARNING


def test_it_is_over_after_three_successes_in_a_row(faults, caplog):
    faults.record_failure("heater", refused())
    for _ in range(2):
        faults.record_success("heater")
    faults.record_failure("heater", refused())
    for _ in range(2):
        faults.record_success("heater")
    assert len(caplog.messages) == 1
    for _ in range(3):
        faults.record_success("heater")
    assert caplog.messages[1:] == ["heater works again"]
    assert caplog.records[1].levelno == logging.INFO


def test_another_reason_is_another_fault(faults, caplog):
    faults.record_failure("heater", refused())
    faults.record_failure("heater", NotAvailable("timeout", "hangs"))
    assert caplog.messages[1] == "heater fails: hangs"


def test_what_never_failed_is_not_said_to_work_again(faults, caplog):
    for _ in range(5):
        faults.record_success("heater")
    assert caplog.messages == []


def test_after_it_was_over_a_failure_is_logged_again(faults, caplog):
    for _ in range(2):
        faults.record_failure("heater", refused())
        for _ in range(3):
            faults.record_success("heater")
    assert len(caplog.messages) == 4


def test_names_are_told_apart(faults, caplog):
    faults.record_failure("heater", refused())
    faults.record_failure("boiler", refused())
    for _ in range(3):
        faults.record_success("boiler")
    assert [line.split()[0] for line in caplog.messages] == ["heater", "boiler", "boiler"]


def test_parts_of_a_run_fail_and_recover_by_themselves(faults, caplog):
    faults.record_run(report(("a", refused()), ("b", refused())))
    for _ in range(3):
        faults.record_run(report(("b", refused())))
    assert caplog.messages == [
        "plug=a fails: refused; fix: start it",
        "plug=b fails: refused; fix: start it",
        "plug=a works again",
    ]


def test_a_whole_run_that_fails_says_how_and_its_parts_stay_as_they_are(faults, caplog):
    failed = report(result=Result.AUTH_FAILED, reason=Reason.AUTH, error="wrong password", traceback="frames")
    faults.record_run(report(("a", refused())))
    for _ in range(4):
        faults.record_run(failed)
    faults.record_run(report(("a", refused())))
    assert caplog.messages[1:3] == ["auth failed: wrong password", "frames"]
    assert sum("plug=a" in line for line in caplog.messages) == 1
    for _ in range(2):
        faults.record_run(report(result=Result.OK))
    assert caplog.messages[-1] == "works again"


def test_an_incident_is_logged_once_for_each_type_of_error(faults, caplog):
    for error in (ValueError("a"), ValueError("b"), OSError("c"), ValueError("d")):
        faults.record_incident("close failed", error)
    faults.record_incident("open failed", ValueError("e"))
    assert caplog.messages == [
        "close failed: ValueError: a",
        "close failed: OSError: c",
        "close failed: ValueError: d",
        "open failed: ValueError: e",
    ]


def test_of_many_parts_that_begin_to_fail_at_once_the_last_share_a_line_for_each_reason(faults, caplog):
    names = [f"p{number}" for number in range(120)]
    faults.record_run(report(*[(name, refused(f"{name} refuses")) for name in names], ("z", TimeoutError("too late"))))
    assert len(caplog.messages) == 22
    assert caplog.messages[19] == "plug=p19 fails: p19 refuses; fix: start it"
    assert caplog.messages[20] == (
        "plug=p20, plug=p21, plug=p22, plug=p23, plug=p24 and 95 more fail (unreachable): p20 refuses; fix: start it"
    )
    assert caplog.messages[21] == "plug=z fails (timeout): TimeoutError: too late"
    faults.record_run(report(*[(name, refused()) for name in names], ("z", TimeoutError("too late"))))
    assert len(caplog.messages) == 22
    caplog.clear()
    for _ in range(3):
        faults.record_run(report())
    assert len(caplog.messages) == 21
    assert caplog.messages[20] == "plug=p20, plug=p21, plug=p22, plug=p23, plug=p24 and 96 more work again"

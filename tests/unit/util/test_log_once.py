"""Warnings about a persistent problem."""

import logging

from streaming_system.util.log_once import LogOnce


def test_persistent_problem_is_logged_once_until_it_changes_or_ends(caplog):
    caplog.set_level(logging.INFO)
    warnings = LogOnce(logging.getLogger("streaming_system.test"))

    for message in ("refused", "refused", "timed out", "timed out"):
        warnings.warn("tracker", message)
    warnings.warn("spool", "full")
    warnings.resolve("tracker")
    warnings.resolve("tracker")
    warnings.warn("tracker", "timed out")

    assert [(r.levelname, r.getMessage()) for r in caplog.records] == [
        ("WARNING", "tracker: refused"),
        ("WARNING", "tracker: timed out"),
        ("WARNING", "spool: full"),
        ("INFO", "tracker: is good again"),
        ("WARNING", "tracker: timed out"),
    ]
    assert {record.name for record in caplog.records} == {"streaming_system.test"}


def test_message_with_changing_values_is_logged_once(caplog):
    warnings = LogOnce(logging.getLogger("streaming_system.test"))

    for number in range(3):
        warnings.warn("hall", f"clients is -{number}", fault="clients")

    assert [record.getMessage() for record in caplog.records] == ["hall: clients is -0"]

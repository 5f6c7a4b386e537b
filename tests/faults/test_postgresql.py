"""PostgreSQL restarted, slow, read-only, out of connections, stopped, and frozen."""

import os
import threading

from streaming_system.tracker.models import Base

from .site_under_fault import now

# Seconds; `FAULTS_GONE=60 make faults` has a longer outage.
OUTAGE = float(os.environ.get("FAULTS_GONE", "4"))
SLOW = float(os.environ.get("FAULTS_SLOW", "5"))


def wait(seconds):
    """Continue a fault for some seconds."""
    threading.Event().wait(seconds)


def test_site_recovers_after_restart_of_postgresql(site_under_fault, postgres, record_result):
    with site_under_fault.loaded() as run:
        postgres.stop()
        recovery_start = now()
        postgres.start()
        run.wait_for_recovery(recovery_start)
    run.expect_no_failed_pages()
    record_result("PostgreSQL restarted", **run.metrics)


def test_pages_are_served_while_postgresql_is_slow(site_under_fault, postgres, record_result):
    with site_under_fault.loaded() as run:
        with postgres.locked(Base.metadata.tables):
            seen = run.viewers.seen
            wait(SLOW)
            # Pages do not wait for the database.
            assert run.viewers.seen - seen > SLOW
        run.wait_for_recovery(now())
    run.expect_no_failed_pages()
    # All waiting requests succeed.
    assert run.writers.unavailable.total() == run.writers.cut_off == 0
    assert run.writers.slowest > SLOW - 1
    assert run.by_app["tracker"] == []
    record_result(f"PostgreSQL slow: every statement waits for {SLOW:g} s", **run.metrics)


def test_reads_succeed_while_postgresql_is_read_only(site_under_fault, postgres, record_result):
    with site_under_fault.loaded() as run:
        postgres.execute(
            "ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()"
        )
        try:
            run.writers.wait_until_unavailable()
            seen = run.viewers.seen
            run.viewers.wait_for(30)
            assert site_under_fault.get("/tracker/hall/streams.json").status == 200
            assert run.viewers.seen > seen
        finally:
            postgres.execute(
                "SET default_transaction_read_only = off",
                "ALTER SYSTEM RESET default_transaction_read_only",
                "SELECT pg_reload_conf()",
            )
        run.wait_for_recovery(now())
    run.expect_no_failed_pages()
    run.expect_log_message("read-only")
    record_result("PostgreSQL read-only", **run.metrics)


def test_site_recovers_after_postgresql_ran_out_of_connections(
    site_under_fault, postgres, record_result
):
    with site_under_fault.loaded() as run:
        with postgres.crowded():
            run.writers.wait_until_unavailable()
            run.viewers.wait_for(30)
        run.wait_for_recovery(now())
    run.expect_no_failed_pages()
    run.expect_log_message("the database failed")
    record_result("PostgreSQL out of connections", **run.metrics)


def test_site_recovers_after_outage_of_postgresql(site_under_fault, postgres, record_result):
    with site_under_fault.loaded() as run:
        postgres.stop("immediate")
        run.writers.wait_until_unavailable()
        wait(OUTAGE)
        unavailable_responses = run.writers.unavailable.total()
        recovery_start = now()
        postgres.start()
        run.wait_for_recovery(recovery_start)
    run.expect_no_failed_pages()
    assert unavailable_responses
    run.expect_log_message("the database failed")
    record_result(f"PostgreSQL gone for {OUTAGE:g} s", **run.metrics)


def test_pages_are_served_while_postgresql_is_frozen(site_under_fault, postgres, record_result):
    with site_under_fault.loaded() as run:
        with postgres.frozen():
            seen = run.viewers.seen
            wait(SLOW)
            assert run.viewers.seen - seen > SLOW
        run.wait_for_recovery(now())
    run.expect_no_failed_pages()
    record_result(f"PostgreSQL frozen (SIGSTOP) for {SLOW:g} s", **run.metrics)

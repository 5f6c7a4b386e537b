"""kill -9 of each kind of process, under load."""

import os
import signal

import pytest

from .site_under_fault import now


@pytest.mark.parametrize("app", ["frontend", "tracker"])
def test_site_recovers_after_kill_of_workers(site_under_fault, record_result, app):
    ports = site_under_fault.ports.frontend if app == "frontend" else site_under_fault.ports.tracker
    with site_under_fault.loaded() as run:
        site_under_fault.workers[app, ports[0]].kill()
        run.wait_for_recovery(now())
    # nginx uses the other worker at once.
    run.expect_no_failed_pages()
    record_result(f"kill -9: one of two {app} workers", **run.metrics)

    with site_under_fault.loaded() as run:
        site_under_fault.kill(app)
        recovery_start = now()
        # systemd does the same.
        for port in ports:
            site_under_fault.start_worker(app, port)
        run.wait_for_recovery(recovery_start)
        for port in ports:
            site_under_fault.wait_for_worker(app, port)
    if app == "tracker":
        run.expect_no_failed_pages()
    # nginx serves cached pages; the others get 503 with Retry-After.
    assert {(status, after) for _, status, after in run.viewers.failed} <= {(503, "5")}
    assert [path for path, *_ in run.viewers.failed if "?" not in path] == []
    record_result(f"kill -9: all {app} workers, started at once", **run.metrics)


def test_site_recovers_after_kill_of_nginx_worker(site_under_fault, record_result):
    with site_under_fault.loaded() as run:
        os.kill(site_under_fault.nginx_worker().pid, signal.SIGKILL)
        run.wait_for_recovery(now())
    # At most one failure for each open connection.
    run.expect_no_failed_pages(cut_off=20)
    assert run.writers.cut_off <= 40
    record_result("kill -9: nginx's worker", **run.metrics)


def test_site_recovers_after_kill_of_postgresql_backend(site_under_fault, postgres, record_result):
    with site_under_fault.loaded() as run:
        recovery_start = now()
        postgres.kill_backend()
        run.wait_for_recovery(recovery_start)
    run.expect_no_failed_pages()
    run.expect_log_message("the database")
    record_result("kill -9: a backend of PostgreSQL (all restart)", **run.metrics)


def test_site_recovers_after_kill_of_postgresql(site_under_fault, postgres, record_result):
    with site_under_fault.loaded() as run:
        postgres.kill()
        recovery_start = now()
        postgres.start()
        run.wait_for_recovery(recovery_start)
    run.expect_no_failed_pages()
    run.expect_log_message("the database")
    record_result("kill -9: all of PostgreSQL, started at once", **run.metrics)

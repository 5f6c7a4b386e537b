"""kill -9 of every process, under load."""

import os
import signal

import pytest

from .harmed import now


@pytest.mark.parametrize("app", ["frontend", "tracker"])
def test_workers_are_killed(harmed, figures, app):
    ports = harmed.ports.frontend if app == "frontend" else harmed.ports.tracker
    with harmed.loaded() as run:
        harmed.workers[app, ports[0]].kill()
        run.back(now())
    # nginx asks the other one, at once.
    run.pages_were_well()
    figures(f"kill -9: one of two {app} workers", **run.figures)

    with harmed.loaded() as run:
        harmed.kill(app)
        moment = now()
        # As systemd does.
        for port in ports:
            harmed.start_worker(app, port)
        run.back(moment)
        for port in ports:
            harmed.wait_for_worker(app, port)
    if app == "tracker":
        run.pages_were_well()
    # Who is not shown a page is told when to come back; what has been seen lately is shown.
    assert {(status, after) for _, status, after in run.viewers.failed} <= {(503, "5")}
    assert [path for path, *_ in run.viewers.failed if "?" not in path] == []
    figures(f"kill -9: all {app} workers, started at once", **run.figures)


def test_nginxs_worker_is_killed(harmed, figures):
    with harmed.loaded() as run:
        os.kill(harmed.nginx_worker().pid, signal.SIGKILL)
        run.back(now())
    # One of each connection that was open.
    run.pages_were_well(cut_off=20)
    assert run.writers.cut_off <= 40
    figures("kill -9: nginx's worker", **run.figures)


def test_a_backend_of_postgresql_is_killed(harmed, postgres, figures):
    with harmed.loaded() as run:
        moment = now()
        postgres.kill_backend()
        run.back(moment)
    run.pages_were_well()
    run.said("the database")
    figures("kill -9: a backend of PostgreSQL (all restart)", **run.figures)


def test_postgresql_is_killed(harmed, postgres, figures):
    with harmed.loaded() as run:
        postgres.kill()
        moment = now()
        postgres.start()
        run.back(moment)
    run.pages_were_well()
    run.said("the database")
    figures("kill -9: all of PostgreSQL, started at once", **run.figures)

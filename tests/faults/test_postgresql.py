"""PostgreSQL restarted, slow, read-only, crowded, gone, and silent."""

import os
import threading

from streaming_system.tracker.models import Base

from .harmed import now

# The minute; tests wait for less, unless told otherwise.
GONE = float(os.environ.get("FAULTS_GONE", "4"))
SLOW = float(os.environ.get("FAULTS_SLOW", "5"))


def wait(seconds):
    """Let a fault last."""
    threading.Event().wait(seconds)


def test_it_is_restarted(harmed, postgres, figures):
    with harmed.loaded() as run:
        postgres.stop()
        moment = now()
        postgres.start()
        run.back(moment)
    run.pages_were_well()
    figures("PostgreSQL restarted", **run.figures)


def test_it_is_slow(harmed, postgres, figures):
    with harmed.loaded() as run:
        with postgres.locked(Base.metadata.tables):
            seen = run.viewers.seen
            wait(SLOW)
            # Pages do not wait for it.
            assert run.viewers.seen - seen > SLOW
        run.back(now())
    run.pages_were_well()
    # Whoever waited was answered.
    assert run.writers.away.total() == run.writers.cut_off == 0
    assert run.writers.slowest > SLOW - 1
    assert run.by_app["tracker"] == []
    figures(f"PostgreSQL slow: every statement waits for {SLOW:g} s", **run.figures)


def test_it_only_reads(harmed, postgres, figures):
    with harmed.loaded() as run:
        postgres.say(
            "ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()"
        )
        try:
            run.writers.wait_until_away()
            seen = run.viewers.seen
            run.viewers.wait_for(30)
            # Programs that only ask are answered.
            assert harmed.get("/tracker/hall/streams.json").status == 200
            assert run.viewers.seen > seen
        finally:
            postgres.say(
                "SET default_transaction_read_only = off",
                "ALTER SYSTEM RESET default_transaction_read_only",
                "SELECT pg_reload_conf()",
            )
        run.back(now())
    run.pages_were_well()
    run.said("read-only")
    figures("PostgreSQL read-only", **run.figures)


def test_it_has_no_connection_left(harmed, postgres, figures):
    with harmed.loaded() as run:
        with postgres.crowded():
            run.writers.wait_until_away()
            run.viewers.wait_for(30)
        run.back(now())
    run.pages_were_well()
    run.said("the database failed")
    figures("PostgreSQL out of connections", **run.figures)


def test_it_is_gone_for_a_while(harmed, postgres, figures):
    with harmed.loaded() as run:
        postgres.stop("immediate")
        run.writers.wait_until_away()
        wait(GONE)
        refused = run.writers.away.total()
        moment = now()
        postgres.start()
        run.back(moment)
    run.pages_were_well()
    assert refused
    run.said("the database failed")
    figures(f"PostgreSQL gone for {GONE:g} s", **run.figures)


def test_it_says_nothing_any_more(harmed, postgres, figures):
    with harmed.loaded() as run:
        with postgres.frozen():
            seen = run.viewers.seen
            wait(SLOW)
            assert run.viewers.seen - seen > SLOW
        run.back(now())
    run.pages_were_well()
    figures(f"PostgreSQL frozen (SIGSTOP) for {SLOW:g} s", **run.figures)

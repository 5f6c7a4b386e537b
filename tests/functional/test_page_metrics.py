"""The metrics of the pages that Prometheus scrapes."""

import os
import re
import time

import pytest

from streaming_system.util.program_version import program_version
from streaming_system.web.request_queue import dropped_requests

from .test_metrics import Metrics


@pytest.fixture
def scrape():
    return lambda site: Metrics(site.get("/metrics").text)


def test_requests_are_counted_by_route_and_status(site, scrape):
    site.get("/hall")
    site.get("/hall?template=none", status="*")
    site.get("/nothing/at/all", status=404)
    site.get("/healthz")
    scraped = scrape(site)

    assert scraped("page_requests_total", route="room", method="GET", status="2xx") >= 1
    assert scraped("page_requests_total", route="none", method="GET", status="4xx") == 1
    assert scraped("page_request_seconds_count", route="none") == 1
    assert not [labels for labels in scraped.all("page_requests_total") if "health" in str(labels)]


def test_version_is_on_the_crew_pages_and_in_the_metrics(site, tracker, scrape):
    program = program_version()

    labels = {"version": program.version, "commit": program.commit}
    assert scrape(site)("build_info", **labels) == scrape(tracker)("build_info", **labels) == 1
    for page in (site.get("/monitor"), site.get("/graphs"), tracker.get("/endpoint/stats")):
        assert str(program) in page.html.get_text()
    assert str(program) not in site.get("/").html.get_text()


def test_responses_from_the_cache_are_requests_of_their_route(site, scrape):
    before = scrape(site)("page_requests_total", route="schedule", method="GET", status="2xx") or 0
    for _ in range(5):
        site.get("/schedule")
    scraped = scrape(site)

    count = scraped("page_requests_total", route="schedule", method="GET", status="2xx")
    assert count - before == 5
    assert 1 <= scraped("page_cache_hits_total", route="schedule") < 5


def test_schedule_age_is_the_time_since_its_last_change(site, scrape, schedule_file):
    an_hour_ago = time.time() - 3600
    os.utime(schedule_file, (an_hour_ago, an_hour_ago))
    readable = scrape(site)
    schedule_file.unlink()
    lost = scrape(site)

    assert readable("schedule_up") == 1
    assert readable("schedule_age_seconds") == pytest.approx(3600, abs=60)
    assert lost("schedule_up") == 0
    assert lost.all("schedule_age_seconds") == {}


def test_dropped_requests_of_the_worker_are_counted(site, scrape, monkeypatch):
    # The counts belong to the process, which other tests share.
    monkeypatch.setattr(dropped_requests, "_counts", dropped_requests.counts())
    before = scrape(site)("page_dropped_requests_total", reason="expired")
    dropped_requests.record("expired")

    assert scrape(site)("page_dropped_requests_total", reason="expired") == before + 1


def test_clients_cannot_add_labels(site, scrape):
    site.get("/nothing", status=404)
    before = scrape(site)
    for number in range(20):
        site.get(f"/nothing{number}", status=404)
        site.get(f"/schedule?room=room{number}", status="*")
        site.get(f"/%ff{number}", status="*")

    added = (
        scrape(site).all("page_requests_total").keys() - before.all("page_requests_total").keys()
    )
    assert len(added) <= 5
    assert {dict(labels)["route"] for labels in added} <= {"schedule", "none", "metrics"}


def test_proxy_serves_metrics_of_pages_to_its_own_machine_only(root):
    conf = (root / "conf/nginx.conf").read_text()
    [block] = re.findall(r"location = /metrics \{(.*?)\}", conf, re.DOTALL)

    assert [line.strip() for line in block.strip().splitlines()] == [
        "allow 127.0.0.1;",
        "allow ::1;",
        "deny all;",
        "proxy_pass http://streaming_frontend;",
    ]


def test_every_metric_of_pages_is_documented(site, scrape, root):
    manual = (root / "docs/reference/metrics.md").read_text()
    site.get("/schedule")
    names = {family.name for family in scrape(site).families}

    assert [name for name in names if f"| `{name}" not in manual] == []

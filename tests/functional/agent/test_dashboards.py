"""The dashboard, the alerts and the scrape configuration in conf/ fit what the programs export."""

import json
import re
import subprocess
import urllib.request

import pytest
import yaml
from programs import require
from prometheus_client.parser import text_string_to_metric_families

from .conftest import wait_until
from .sample_data import CDN

# Prometheus adds these.
SCRAPE_LABELS = {"job", "instance"}
# A panel's variables, as they are while an expression is checked.
VARIABLES = {"$__rate_interval": "5m", "$room": "hall"}


@pytest.fixture(scope="module")
def dashboard(root):
    return json.loads((root / "conf/grafana-dashboard.json").read_text())


@pytest.fixture(scope="module")
def alerts(root):
    rules = yaml.safe_load((root / "conf/prometheus-rules.yml").read_text())
    return [rule for group in rules["groups"] for rule in group["rules"]]


@pytest.fixture(scope="module")
def scraped_targets(root):
    """Return the targets of Prometheus, by job."""
    config = yaml.safe_load((root / "conf/prometheus.yml").read_text())
    return {
        job["job_name"]: (
            job.get("metrics_path", "/metrics"),
            [target for group in job["static_configs"] for target in group["targets"]],
        )
        for job in config["scrape_configs"]
    }


def panels(dashboard):
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def expressions(dashboard):
    """Return the expressions of all panels, with values for variables."""
    found = [target["expr"] for panel in panels(dashboard) for target in panel["targets"]]
    for variable, value in VARIABLES.items():
        found = [expression.replace(variable, value) for expression in found]
    return found


def metrics_in(expression):
    """Return the names of metrics, and the labels that matchers and groupings name."""
    matched = re.findall(r'(\w+)\s*(?:=~|!~|!=|=)\s*"', expression)
    grouped = re.findall(r"\b(?:by|without|on|ignoring)\s*\(([^)]*)\)", expression)
    labels = {name.strip() for names in grouped for name in names.split(",")} | set(matched)
    return set(re.findall(r"\bstreaming_\w+", expression)), labels


def exported_labels(*texts):
    """Return the label names of each sample, by its name."""
    labels = {}
    for text in texts:
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                labels.setdefault(sample.name, set()).update(sample.labels)
    return labels


@pytest.fixture
def exported(served, site, agent, logs, log):
    """What a running tracker, the pages and the services of two agents export."""
    token = f"token = {served.token()}"
    reporting = agent(trackers=[served.url], token=token, sources=CDN)
    # Nothing serves its URL.
    checking = agent(trackers=[served.url], token=token, sources=CDN, check="yes")
    log.touch()
    shipping = logs(served)
    wait_until(lambda: reporting.metric("last_report_age_seconds"), 60, "a report is accepted")
    wait_until(lambda: checking.metric("stream_playing"), 60, "a stream is checked")
    wait_until(lambda: shipping.metric("spool_bytes_limit"), 60, "log shipping responds")
    for _ in range(2):
        site.get("/schedule")
    with urllib.request.urlopen(f"{served.url}/metrics", timeout=30) as response:
        tracker_text = response.read().decode()
    agents = [program.get("/metrics")[1] for program in (reporting, checking, shipping)]
    return exported_labels(tracker_text, site.get("/metrics").text, *agents)


def documented_labels(root):
    """Return the label names of each metric, by its name, in the reference."""
    manual = (root / "docs/reference/metrics.md").read_text()
    rows = re.findall(r"^\| `(streaming_\w+)` \| \w+ \| (.*?) \|", manual, re.MULTILINE)
    return {name: set(re.findall(r"`(\w+)`", labels)) for name, labels in rows}


def test_every_metric_and_label_is_exported_and_documented(exported, dashboard, alerts, root):
    documented = documented_labels(root)
    for sample, labels in exported.items():
        name = re.sub(r"(?<=seconds)_(bucket|count|sum)$", "", sample)
        assert documented[name] == labels - {"le"}, sample

    used = [*expressions(dashboard), *(alert["expr"] for alert in alerts)]
    unknown = []
    for expression in used:
        names, labels = metrics_in(expression)
        known = SCRAPE_LABELS.union(*(exported.get(name, ()) for name in names))
        unknown += [(name, expression) for name in names - exported.keys()]
        unknown += [(label, expression) for label in labels - known]

    assert len(used) > 30
    assert unknown == []


def test_labels_in_texts_survive_the_expression(dashboard, alerts):
    texts = [
        (target["expr"], target["legendFormat"])
        for panel in panels(dashboard)
        for target in panel["targets"]
    ]
    texts += [(alert["expr"], " ".join(alert["annotations"].values())) for alert in alerts]
    for expression, text in texts:
        named = set(re.findall(r"{{\s*(?:\$labels\.)?(\w+)\s*}}", text))
        outer = re.match(r"(?:\w+|histogram_quantile\(.*?sum) by \(([^)]*)\)", expression)
        grouped = {name.strip() for name in outer[1].split(",")} if outer else SCRAPE_LABELS
        assert named <= grouped, expression


def test_dashboard_can_be_imported(dashboard):
    assert re.fullmatch(r"[a-z0-9-]{1,40}", dashboard["uid"])
    assert dashboard["schemaVersion"] >= 36
    assert dashboard.get("id") is None
    assert dashboard["time"] == {"from": "now-6h", "to": "now"}
    variables = {variable["name"]: variable for variable in dashboard["templating"]["list"]}
    assert variables["datasource"]["type"] == "datasource"
    assert variables["datasource"]["query"] == "prometheus"
    identifiers = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(identifiers)) == len(identifiers)
    for panel in panels(dashboard):
        assert panel["title"]
        for part in (panel, *panel["targets"]):
            assert part["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert all(target["expr"] for target in panel["targets"])


def test_panels_do_not_overlap(dashboard):
    taken = set()
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert max(x for x, _ in cells) < 24
        assert not cells & taken, panel["title"]
        taken |= cells


def test_every_alert_has_a_severity_a_next_step_a_test_and_a_manual(alerts, root):
    manual = (root / "docs/how-to/prometheus.md").read_text()
    tests = (root / "tests/functional/prometheus-rules-test.yml").read_text()
    for alert in alerts:
        assert alert["labels"]["severity"] in ("page", "warning")
        assert alert["annotations"].keys() == {"summary", "action"}
        assert f"`{alert['alert']}`" in manual
        assert f'alertname="{alert["alert"]}"' in tests


def test_scraped_ports_are_those_of_the_workers_and_the_agent(scraped_targets, root):
    nginx = (root / "conf/nginx.conf").read_text()
    agent_ini = (root / "conf/agent.ini.example").read_text()
    path, trackers = scraped_targets["streaming-tracker"]

    assert path == "/tracker/metrics"
    assert all(f"server {target} " in nginx.split("streaming_tracker {")[1] for target in trackers)
    frontends = re.findall(r"server (\S+)", nginx.split("streaming_frontend {")[1].split("}")[0])
    assert scraped_targets["streaming-pages"] == ("/metrics", frontends)
    services = re.findall(r"^#?status = (127\S+)", agent_ini, re.MULTILINE)
    assert scraped_targets["streaming-agent"] == ("/metrics", sorted(services))


def run_promtool(*arguments):
    program = require("promtool")
    result = subprocess.run(
        [program, *map(str, arguments)], capture_output=True, text=True, timeout=120
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_prometheus_accepts_its_configuration_and_rules(root):
    run_promtool("check", "config", root / "conf/prometheus.yml")


def test_every_alert_fires_and_resolves(root):
    run_promtool("test", "rules", root / "tests/functional/prometheus-rules-test.yml")


def test_prometheus_accepts_the_expressions_of_the_dashboard(dashboard, tmp_path):
    rules = [
        {"record": f"panel:{number}", "expr": expression}
        for number, expression in enumerate(expressions(dashboard))
    ]
    path = tmp_path / "rules.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))

    run_promtool("check", "rules", path)

"""Thousands of calls made from the OpenAPI document, good and bad ones: none is a fault of ours."""

from collections import Counter
from datetime import UTC, datetime

import pytest
import schemathesis
from depth import scaled
from schemathesis.config import (
    CacheConfig,
    ChecksConfig,
    GenerationConfig,
    PhasesConfig,
    ProjectConfig,
    ProjectsConfig,
    SchemathesisConfig,
    StatefulPhaseConfig,
)
from schemathesis.engine import events, from_schema

from streaming_system.tracker import main
from streaming_system.tracker.api.operations import OPERATIONS

EXAMPLES = scaled(4, 25)
PROJECT = {
    "generation": GenerationConfig(
        max_examples=EXAMPLES, deterministic=True, no_shrink=True, database="none"
    ),
    "phases": PhasesConfig(stateful=StatefulPhaseConfig(enabled=False)),
    # By its checks: no 5xx, and no status, type, header or body that the document does not promise.
    "checks": ChecksConfig.from_dict(
        {
            # A list that is too long may be a body that is too large.
            "negative_data_rejection": {"expected-statuses": ["4xx"]},
            # That `from` lies before `to`, and how large a body is, JSON Schema cannot say.
            "positive_data_acceptance": {"expected-statuses": ["2xx", 400, 404, 413]},
            # It cannot do this over WSGI; test_bad_input.py does.
            "ignored_auth": {"enabled": False},
        }
    ),
}


@pytest.fixture
def application(tracker_settings):
    """The tracker without limits: who is told to wait finds nothing."""
    unlimited = {f"limit.{rate}": "off" for rate in ("reports", "reads", "writes", "logins")}
    application = main({}, **tracker_settings | unlimited)
    yield application
    application.registry["db.sessions"].kw["bind"].dispose()


@pytest.fixture
def seeded(api, crew):
    """Things to be found at the addresses of the document's examples."""
    for room in ("hall", "lab"):
        api.put_json(f"/api/v1/rooms/{room}/endpoints/edge1", {"clients": 3}, headers=crew)
    moment = datetime.now(UTC).isoformat(timespec="seconds")
    api.post_json("/api/v1/annotations", {"at": moment, "label": "Keynote"}, headers=crew)


@pytest.mark.usefixtures("seeded")
def test_no_call_that_the_document_can_think_of_is_a_fault(application, crew):
    project = ProjectConfig(headers=crew, **PROJECT)
    config = SchemathesisConfig(
        seed=4, cache=CacheConfig(enabled=False), projects=ProjectsConfig(default=project)
    )
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", application, config=config)

    seen = list(from_schema(schema).execute())

    broken = [e for e in seen if isinstance(e, events.NonFatalError | events.FatalError)]
    recorders = [event.recorder for event in seen if isinstance(event, events.ScenarioFinished)]
    assert broken == []
    assert [failure for recorder in recorders for failure in failures(recorder)] == []
    statuses = Counter(status for recorder in recorders for status in answers(recorder))
    assert max(statuses) < 500
    assert {200, 201, 204, 400, 401, 404, 405, 415} <= set(statuses)
    assert len({recorder.label for recorder in recorders}) == len(OPERATIONS)


def answers(recorder):
    return [interaction.response.status_code for interaction in recorder.interactions.values()]


def failures(recorder):
    for case_id, checks in recorder.checks.items():
        case = recorder.cases[case_id].value
        for check in checks:
            if check.failure_info is not None:
                yield (
                    f"{check.name}: {case.method} {case.formatted_path} {case.query!r:.200} "
                    f"{case.body!r:.300} {check.failure_info.failure.message:.300}"
                )

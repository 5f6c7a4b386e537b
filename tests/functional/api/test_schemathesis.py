"""Schemathesis sends thousands of valid and invalid requests from the OpenAPI document."""

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

EXAMPLES = scaled(2, 5)
PROJECT = {
    "generation": GenerationConfig(
        max_examples=EXAMPLES, deterministic=True, no_shrink=True, database="none"
    ),
    "phases": PhasesConfig(stateful=StatefulPhaseConfig(enabled=False)),
    # Its checks refuse 5xx and every status, type, header or body that the document does not have.
    "checks": ChecksConfig.from_dict(
        {
            # A list beyond its maximum may exceed the body limit, too.
            "negative_data_rejection": {"expected-statuses": ["4xx"]},
            # JSON Schema cannot express that `from` is before `to`, nor the body limit, nor that
            # another instance reports an endpoint.
            "positive_data_acceptance": {"expected-statuses": ["2xx", 400, 404, 409, 413]},
            # This check does not work over WSGI; test_bad_input.py has it.
            "ignored_auth": {"enabled": False},
        }
    ),
}


@pytest.fixture
def application(tracker_settings):
    """The tracker without rate limits: 429 would hide errors."""
    unlimited = {
        f"limit.{rate}": "off"
        for rate in ("reports", "players", "reads", "writes", "logins", "feedback", "reminders")
    }
    application = main({}, **tracker_settings | unlimited)
    yield application
    application.registry["db.sessions"].kw["bind"].dispose()


@pytest.fixture
def seeded(api, crew):
    """Objects with the ids of the document's examples."""
    for room in ("hall", "lab"):
        api.put_json(f"/api/v1/rooms/{room}/endpoints/edge1", {"clients": 3}, headers=crew)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    api.post_json("/api/v1/annotations", {"at": now, "label": "Keynote"}, headers=crew)


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("seeded")
def test_generated_requests_get_documented_responses(application, crew):
    project = ProjectConfig(headers=crew, **PROJECT)
    config = SchemathesisConfig(
        seed=4, cache=CacheConfig(enabled=False), projects=ProjectsConfig(default=project)
    )
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", application, config=config)

    executed = list(from_schema(schema).execute())

    errors = [e for e in executed if isinstance(e, events.NonFatalError | events.FatalError)]
    recorders = [event.recorder for event in executed if isinstance(event, events.ScenarioFinished)]
    assert errors == []
    assert [failure for recorder in recorders for failure in failures(recorder)] == []
    statuses = Counter(status for recorder in recorders for status in response_statuses(recorder))
    assert max(statuses) < 500
    assert {200, 201, 204, 400, 401, 404, 405, 415} <= set(statuses)
    assert len({recorder.label for recorder in recorders}) == len(OPERATIONS)


def response_statuses(recorder):
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

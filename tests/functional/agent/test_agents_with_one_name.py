"""Two agents with the same name: the tracker accepts one, and each knows which."""

import signal

import pytest

from .conftest import wait_until

SOURCE = "[source:cdn]\nuse = static\nstreams =\n    hall = hall hls 1M\n"
SECONDS = 20


@pytest.fixture
def start(agent, served):
    """Return a function that starts an agent whose streams are at a URL of its own."""
    token = served.token()

    def start(url, state):
        return agent(
            trackers=[served.url],
            token=f"token = {token}\nstate = {state}",
            sources=SOURCE,
            url=f"https://{url}/{{room}}/",
        )

    return start


def url_of(served):
    return served.endpoints().get("edge1", {}).get("url")


def test_second_agent_is_refused_and_neither_removes_the_other(start, served, tmp_path):
    first = start("one.example.org", tmp_path / "one")
    wait_until(lambda: url_of(served), SECONDS, "the first agent is registered")
    second = start("other.example.org", tmp_path / "other")

    wait_until(lambda: second.metric("name_taken"), SECONDS, "the second one is refused")

    status, text = second.healthz()
    assert status == 503
    [line] = [line for line in text.splitlines() if "409" in line]
    assert "another agent, at one.example.org, has reported edge1 in hall since" in line
    assert "give one of the two another name (name in agent.ini), or stop the other one" in line
    assert second.output.count("another agent, at one.example.org") == 1
    assert first.healthz() == (200, "ok\n")
    [incident] = served.get("/api/v1/incidents")["incidents"]
    assert (incident["kind"], incident["subject"]) == ("name-clash", "edge1")

    second.terminate()
    assert url_of(served) == "https://one.example.org/hall/"
    first.terminate()
    assert served.endpoints() == {}


def test_killed_agent_takes_its_endpoint_over_when_it_starts_again(start, served, tmp_path):
    killed = start("edge1.example.org", tmp_path / "state")
    wait_until(lambda: url_of(served), SECONDS, "the agent is registered")
    killed.process.send_signal(signal.SIGKILL)
    killed.process.wait()

    restarted = start("edge1.example.org", tmp_path / "state")

    wait_until(
        lambda: any(restarted.metric("last_report_age_seconds")), SECONDS, "its report is accepted"
    )
    assert restarted.metric("name_taken") == {}
    assert "409" not in restarted.output

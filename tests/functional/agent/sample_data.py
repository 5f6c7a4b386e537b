"""Configuration, responses and requests of fake servers."""

import json

from .conftest import json_response

ICECAST = """
[source:icecast]
use = icecast
url = {url}
streams =
    /hall.webm = hall webm_high
"""
CDN = """
[source:cdn]
use = static
streams =
    hall = hall hls
"""
ACCEPTED = json_response({"report_every": 30, "drained": False})


def icecast_stats(**source):
    mount = {"listenurl": "http://h:8000/hall.webm", "listeners": 4, **source}
    return json_response({"icestats": {"source": mount}})


def received_reports(fake_server):
    """Return the reports that a fake tracker received."""
    return [json.loads(r.body) for r in list(fake_server.requests) if r.method == "PUT"]

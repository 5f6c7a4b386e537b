"""What stand-ins say, and what they are told."""

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


def received_reports(stand_in):
    """The reports that a stand-in of a tracker has got."""
    return [json.loads(asked.body) for asked in list(stand_in.asked) if asked.method == "PUT"]

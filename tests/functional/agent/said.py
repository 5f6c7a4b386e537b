"""What stand-ins say, and what they are told."""

import json

from .conftest import as_json

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
TAKEN = as_json({"report_every": 30, "drained": False})


def stats(**source):
    mount = {"listenurl": "http://h:8000/hall.webm", "listeners": 4, **source}
    return as_json({"icestats": {"source": mount}})


def told(stand_in):
    """The reports that a stand-in of a tracker has got."""
    return [json.loads(asked.body) for asked in list(stand_in.asked) if asked.method == "PUT"]

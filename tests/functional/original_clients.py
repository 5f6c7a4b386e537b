"""Clients in the style of the original's, which raise at any status but 200.

They send a form with :mod:`urllib`, as the original's programs did, and print the first line.
"""

import json
import time
import urllib.parse
import urllib.request

# The streams of the original's fake encoder: clients, and bit/s in total and for each client.
STREAMS = {"ogg_high": (4, 1e6, 2e6)}


def post(url: str, *fields: tuple[str, str]) -> str:
    """Post a form; return the body.

    :raises urllib.error.HTTPError: if the status is 400 or above; the programs ended then.
    """
    form = urllib.parse.urlencode(fields).encode()
    with urllib.request.urlopen(url, form, timeout=30) as response:
        return response.read().decode().strip()


def stream_stats() -> dict[str, float]:
    """Return the stats of the fake encoder, with floats where the original has them."""
    stats: dict[str, float] = dict.fromkeys(
        ("overall_clients", "overall_bitrate", "overall_cbitrate"), 0
    )
    for name, (clients, bitrate, client_bitrate) in STREAMS.items():
        stats |= {
            f"{name}_clients": clients,
            f"{name}_bitrate": bitrate,
            f"{name}_cbitrate": bitrate,
        }
        stats["overall_clients"] += clients
        stats["overall_bitrate"] += bitrate
        stats["overall_cbitrate"] += clients * client_bitrate
    return stats


def fake_register(server: str, secret: str, groups: str) -> list[str]:
    """Register once for each group of a list with commas; return the responses."""
    data = json.dumps(stream_stats())
    url = f"{server}/endpoint/register"
    return [
        post(url, ("secret", secret), ("group", group), ("data", data))
        for group in groups.split(",")
    ]


def watchdog(server: str, secret: str, identifier: str) -> str:
    """Report the state of two components, without a type; return the response."""
    now = time.time()
    state = {
        "current": {"http-ogg": [0, now - 60], "mixer": [1, now - 5]},
        "history": {"http-ogg": [], "mixer": [[0, now - 65, 60.0]]},
    }
    return post(
        f"{server}/flumotion/log",
        ("recorded_time", str(now)),
        ("secret", secret),
        ("identifier", identifier),
        ("data", json.dumps(state)),
    )


def send_logs(server: str, secret: str, group: str, lines: str) -> str:
    """Send lines of an access log; return the response."""
    url = f"{server}/endpoint/logs"
    return post(url, ("secret", secret), ("group", group), ("data", lines))

"""Posts what is wrong to a chat: Mattermost, Slack, Matrix (hookshot), or a program of your own.

The key ``plugin.webhook.url`` of the tracker's ini says where to; without it nobody is told.
"""

import json

import urllib3

from streaming_system.plugin import hookimpl, parse_allowed_networks, safe_pool_manager

TIMEOUT = urllib3.Timeout(connect=3, read=5)


@hookimpl
def notify_incident(incident, options):
    url = options.get("plugin.webhook.url", "").strip()
    if not url:
        return
    facts = {
        "id": incident.id,
        "kind": incident.kind,
        "room": incident.room,
        "title": incident.title,
        "subject": incident.subject,
        "summary": incident.summary,
        "opened_at": incident.opened_at.isoformat(),
        "closed_at": incident.closed_at.isoformat() if incident.closed_at else None,
    }
    networks = parse_allowed_networks(options)
    with safe_pool_manager(networks, timeout=TIMEOUT, retries=False) as pool:
        answer = pool.request(
            "POST",
            url,
            body=json.dumps({"text": incident.line, "incident": facts}),
            headers={"Content-Type": "application/json"},
            redirect=False,
            # Nothing of what they answer matters but the status.
            preload_content=False,
        )
        answer.release_conn()
    if not 200 <= answer.status < 300:
        raise ValueError(f"the webhook answered with status {answer.status}")

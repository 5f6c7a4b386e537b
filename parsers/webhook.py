"""Posts incidents to a webhook: of Mattermost, Slack, Matrix (hookshot), or your own program.

The key ``plugin.webhook.url`` of the tracker's ini is its URL; without it, the plugin is inactive.
"""

import json

import urllib3

from streaming_system.plugin import hookimpl, parse_allowed_networks, safe_pool_manager

TIMEOUT = urllib3.Timeout(connect=3, read=5)


@hookimpl
def incident_changed(incident, options):
    url = options.get("plugin.webhook.url", "").strip()
    if not url:
        return
    details = {
        "id": incident.id,
        "kind": incident.kind,
        "room": incident.room,
        "title": incident.title,
        "subject": incident.subject,
        "summary": incident.summary,
        "opened_at": incident.opened_at.isoformat(),
        "closed_at": incident.closed_at.isoformat() if incident.closed_at else None,
        "preview": incident.preview or None,
    }
    networks = parse_allowed_networks(options)
    with safe_pool_manager(networks, timeout=TIMEOUT, retries=False) as pool:
        response = pool.request(
            "POST",
            url,
            body=json.dumps({"text": incident.line, "incident": details}),
            headers={"Content-Type": "application/json"},
            redirect=False,
            # Only the status matters.
            preload_content=False,
        )
        response.release_conn()
    if not 200 <= response.status < 300:
        raise ValueError(f"the webhook answered with status {response.status}")

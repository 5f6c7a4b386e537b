"""A webhook whose server drips: its notification ends at the time limit."""

import contextlib
import socket
import threading
import time
from datetime import UTC, datetime

import pytest

from streaming_system.plugin import Incident
from streaming_system.plugin_host import notifications
from streaming_system.plugin_host.sandbox import ResourceLimits, SandboxError

INCIDENT = Incident(
    id=1, kind="full", room="hall", title="Hall", subject="", summary="Full.",
    opened_at=datetime(2026, 11, 25, tzinfo=UTC),
)  # fmt: skip


@pytest.mark.slow
def test_dripping_webhook_is_stopped(monkeypatch):
    monkeypatch.setattr(notifications, "NOTIFY_TIMEOUT", 5)
    stop, connected = threading.Event(), threading.Event()

    def drip():
        with contextlib.suppress(OSError), listener.accept()[0] as connection:
            connected.set()
            connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
            while not stop.wait(0.1):
                connection.sendall(b"a")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(30)
        thread = threading.Thread(target=drip)
        thread.start()
        options = {
            "plugin.webhook.url": f"http://127.0.0.1:{listener.getsockname()[1]}/",
            "outbound.allowed_private_networks": "127.0.0.1",
        }
        started = time.monotonic()
        try:
            with pytest.raises(SandboxError, match="took longer than 5 s"):
                notifications.notify_incident(
                    "built in (webhook.py)", INCIDENT, options, None, ResourceLimits()
                )
        finally:
            stop.set()
            thread.join()

    assert connected.is_set()
    assert time.monotonic() - started < 30

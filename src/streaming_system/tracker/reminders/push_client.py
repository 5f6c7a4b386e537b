"""Encrypts messages for browsers (RFC 8291), and sends them to push services (RFC 8030)."""

import base64
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Any
from urllib.parse import urlsplit

import urllib3
from urllib3.exceptions import HTTPError, InvalidHeader

from streaming_system.net.http_errors import describe_http_error
from streaming_system.net.push_services import PushServices
from streaming_system.net.request_deadline import RequestDeadline, ResponseTimeoutError
from streaming_system.net.ssrf import Networks, safe_pool_manager
from streaming_system.tracker.reminders.subscriptions import BrowserKeys, decode_key
from streaming_system.tracker.reminders.vapid import VapidSigner

REQUEST_TIMEOUT = 10.0  # seconds
MAX_TITLE_CHARS = 300
# Push services accept at least 4096 bytes, with the encryption.
MAX_REASON_BYTES = 500
MAX_TTL = timedelta(days=1)


class Result(Enum):
    """What became of a message."""

    SENT = "sent"
    GONE = "gone"  # The browser has unsubscribed.
    RETRY = "retry"
    REFUSED = "refused"


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """The result of one attempt.

    :param problem: a predicate without the secret part of the address; "" if it was sent.
    :param retry_after: seconds that the service requests; 0 if it requests none.
    """

    result: Result
    host: str
    problem: str = ""
    retry_after: float = 0.0


@dataclass(frozen=True, kw_only=True)
class PushMessage:
    """A message for the service worker of the pages.

    :param content: its members; ``title`` is cut.
    :param topic: a later message of the same topic replaces one that waits.
    :param ttl: how long the service may wait for the browser.
    """

    content: Mapping[str, Any]
    topic: str
    ttl: timedelta

    def encrypt(self, browser: BrowserKeys) -> bytes:
        """Return the encrypted content."""
        # A tracker without reminders starts faster without these imports.
        import http_ece
        from cryptography.hazmat.primitives.asymmetric import ec

        content = {**self.content, "title": self.content["title"][:MAX_TITLE_CHARS]}
        encrypted: bytes = http_ece.encrypt(
            json.dumps(content, separators=(",", ":")).encode(),
            salt=os.urandom(16),
            private_key=ec.generate_private_key(ec.SECP256R1()),
            dh=decode_key(browser.p256dh),
            auth_secret=decode_key(browser.auth),
            version="aes128gcm",
        )
        return encrypted

    def headers(self) -> dict[str, str]:
        """Return the headers without the signature."""
        topic = hashlib.sha256(self.topic.encode()).digest()[:24]
        return {
            "Content-Type": "application/octet-stream",
            "Content-Encoding": "aes128gcm",
            "TTL": str(int(max(min(self.ttl, MAX_TTL), timedelta()).total_seconds())),
            "Urgency": "high",
            "Topic": base64.urlsafe_b64encode(topic).decode(),
        }


class PushClient:
    """Sends messages. It is thread-safe.

    :param services: the allowed services, which may have changed since a browser subscribed.
    :param networks: see :func:`parse_allowed_networks`.
    """

    def __init__(self, signer: VapidSigner, services: PushServices, networks: Networks) -> None:
        self._signer, self._services = signer, services
        self._pool = safe_pool_manager(networks, timeout=REQUEST_TIMEOUT, retries=False)

    def send(self, message: PushMessage, browser: BrowserKeys) -> Delivery:
        """Send a message once. Redirects are not followed."""
        host = urlsplit(browser.url).hostname or ""
        if not self._services.allows(browser.url):
            return Delivery(
                result=Result.REFUSED, host=host, problem="is not listed in reminders.services"
            )
        headers = message.headers() | {"Authorization": self._signer.authorization(browser.url)}
        if host.endswith(".notify.windows.com"):
            headers["X-WNS-Type"] = "wns/raw"
        try:
            with RequestDeadline(REQUEST_TIMEOUT):
                response = self._pool.request(
                    "POST",
                    browser.url,
                    body=message.encrypt(browser),
                    headers=headers,
                    preload_content=False,
                )
                reason = response.read(MAX_REASON_BYTES, decode_content=False)
                response.close()
        except ResponseTimeoutError:
            return Delivery(result=Result.RETRY, host=host, problem="takes too long to respond")
        except (HTTPError, OSError, ValueError) as error:
            return Delivery(result=Result.RETRY, host=host, problem=describe_http_error(error))
        return _classify(response, reason, host)

    def close(self) -> None:
        """Close all connections."""
        self._pool.clear()


def _classify(response: urllib3.BaseHTTPResponse, reason: bytes, host: str) -> Delivery:
    status = response.status
    if 200 <= status < 300:
        return Delivery(result=Result.SENT, host=host)
    if status in (404, 410):
        return Delivery(result=Result.GONE, host=host)
    text = " ".join(reason.decode("utf-8", "replace").split())
    problem = f"responds with status {status}" + (f": {text:.200}" if text else "")
    if status in (401, 403):
        problem += "; is reminders.contact in the ini file a real address?"
    if status == 429 or status >= 500:
        return Delivery(
            result=Result.RETRY,
            host=host,
            problem=problem,
            retry_after=_retry_after(response.headers.get("Retry-After", "")),
        )
    return Delivery(result=Result.REFUSED, host=host, problem=problem)


def _retry_after(text: str) -> float:
    """Return the seconds of the header, which has a number or a date."""
    try:
        return urllib3.Retry().parse_retry_after(text) if text else 0.0
    except (InvalidHeader, OverflowError):
        return 0.0

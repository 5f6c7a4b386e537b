"""The push services of browsers that notifications may be sent to, and the contact for them."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from streaming_system.util.validation import Field, is_host

# Chromium and its relatives, Firefox, Safari, Edge on Windows.
DEFAULT_SERVICES = (
    "fcm.googleapis.com *.push.services.mozilla.com *.push.apple.com *.notify.windows.com"
)
HOSTS = "hosts such as *.push.example.org, or * for all"
# Apple refuses messages whose contact is at such a name.
_LOCAL_DOMAINS = ("localhost", "local", "invalid", "test", "internal", "lan")
_MAIL = re.compile(r"mailto:[A-Za-z0-9._%+-]+@([A-Za-z0-9.-]+)")


@dataclass(frozen=True)
class PushServices:
    """An allow list of hosts.

    :param hosts: with a port unless it is 443; "*.example.org" stands for all hosts below
        example.org, "*" for every host.
    """

    hosts: tuple[str, ...]

    def allows(self, url: str) -> bool:
        """Return whether a URL is one of an allowed push service."""
        try:
            parts = urlsplit(url)
            port = parts.port or 443
        except ValueError:
            return False
        host = (parts.hostname or "").lower()
        if parts.scheme != "https" or not is_host(host) or "@" in parts.netloc:
            return False
        name = host if port == 443 else f"{host}:{port}"
        return any(
            pattern == "*" or name == pattern or (pattern[0] == "*" and name.endswith(pattern[1:]))
            for pattern in self.hosts
        )


def parse_push_services(text: str) -> PushServices:
    """Return an allow list.

    :raises ValueError: if it is empty, or a word in it is not a host.
    """
    hosts = tuple(text.lower().replace(",", " ").split())
    for host in hosts:
        name, _, port = host.removeprefix("*.").partition(":")
        if host != "*" and (not is_host(name) or (port and not port.isdecimal())):
            raise ValueError(f"{host!r} is no host")
    if not hosts:
        raise ValueError(f"{text!r} is no host")
    return PushServices(hosts)


class Contact(Field):
    """The address at which push services reach the organisers; "" turns reminders off."""

    allowed = (
        "mailto: and an e-mail address, or https:// and a host, such as "
        "mailto:stream@your-conference.org; Apple refuses names such as localhost"
    )

    def validate(self, value: object) -> str:
        text = str(value).strip()
        if text and not _is_contact(text):
            raise self.error()
        return text


def _is_contact(text: str) -> bool:
    if match := _MAIL.fullmatch(text):
        host = match[1]
    else:
        try:
            parts = urlsplit(text)
        except ValueError:
            return False
        host = parts.hostname or ""
        # Push services reject a contact with anything behind the host.
        if parts.scheme != "https" or parts.netloc != host or parts.path not in ("", "/"):
            return False
    labels = host.lower().split(".")
    return is_host(host) and len(labels) > 1 and labels[-1] not in _LOCAL_DOMAINS

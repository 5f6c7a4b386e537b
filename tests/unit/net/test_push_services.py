"""Which push services get messages, and which contacts they accept."""

import pytest

from streaming_system.net.push_services import DEFAULT_SERVICES, Contact, parse_push_services
from streaming_system.util.validation import InvalidValueError


@pytest.mark.parametrize(
    ("services", "url", "is_allowed"),
    [
        (DEFAULT_SERVICES, "https://fcm.googleapis.com/fcm/send/x", True),
        (DEFAULT_SERVICES, "https://updates.push.services.mozilla.com/wpush/v2/x", True),
        (DEFAULT_SERVICES, "https://web.push.apple.com/x", True),
        (DEFAULT_SERVICES, "https://wns2-par02p.notify.windows.com/w/?token=x", True),
        (DEFAULT_SERVICES, "https://FCM.googleapis.com:443/x", True),
        (DEFAULT_SERVICES, "http://fcm.googleapis.com/x", False),
        (DEFAULT_SERVICES, "https://fcm.googleapis.com:8443/x", False),
        (DEFAULT_SERVICES, "https://user:x@fcm.googleapis.com/x", False),
        (DEFAULT_SERVICES, "https://fcm.googleapis.com.evil.example/x", False),
        (DEFAULT_SERVICES, "https://evilpush.apple.com/x", False),
        (DEFAULT_SERVICES, "https://push.apple.com/x", False),
        (DEFAULT_SERVICES, "https://[::1", False),
        (DEFAULT_SERVICES, "https://fcm.googleapis.com:x/x", False),
        ("push.example.org:8443, *.example.net", "https://push.example.org:8443/x", True),
        ("push.example.org:8443, *.example.net", "https://push.example.org/x", False),
        ("push.example.org:8443, *.example.net", "https://a.example.net/x", True),
        ("*", "https://any.example.org/x", True),
        ("*", "https:///x", False),
    ],
)
def test_messages_go_to_allowed_hosts_only(services, url, is_allowed):
    assert parse_push_services(services).allows(url) is is_allowed


@pytest.mark.parametrize("text", ["", "https://push.example.org", "a_b/c", "host:port"])
def test_invalid_host_is_refused(text):
    with pytest.raises(ValueError, match="is no host"):
        parse_push_services(text)


@pytest.mark.parametrize(
    "contact", ["", "mailto:stream@conference.org", "https://conference.org", "https://c.org/"]
)
def test_contact_that_push_services_accept(contact):
    assert Contact().validate(contact) == contact


@pytest.mark.parametrize(
    "contact",
    [
        "stream@conference.org",
        "mailto:stream",
        "mailto:stream@localhost",
        "mailto:stream@host.local",
        "mailto:stream@conference.invalid",
        "mailto:a@b.org, mailto:c@d.org",
        "http://conference.org",
        "https://localhost",
        "https://conference.org/contact",
        "https://conference.org:8443",
        "https://[::1",
    ],
)
def test_contact_that_a_push_service_refuses_is_one_line(contact):
    with pytest.raises(InvalidValueError, match="Apple refuses names such as localhost"):
        Contact().validate(contact)

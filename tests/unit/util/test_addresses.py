"""The addresses of streams, pages and pictures: accepted as they work, or refused."""

import pytest

from streaming_system.util.validation import (
    InvalidValueError,
    StreamAddress,
    StreamUrl,
    Url,
    WebAddress,
    csp_source,
    split_stream_url,
)

CDN = "https://cdn.example.org"


@pytest.mark.parametrize(
    ("text", "url", "base", "files"),
    [
        (f"{CDN}/hall", f"{CDN}/hall/", f"{CDN}/hall/", {}),
        (CDN, f"{CDN}/", f"{CDN}/", {}),
        (f"{CDN}/a.b/", f"{CDN}/a.b/", f"{CDN}/a.b/", {}),
        (f"{CDN}/v1.2", f"{CDN}/v1.2/", f"{CDN}/v1.2/", {}),
        (f"{CDN}/{{room}}", f"{CDN}/{{room}}/", f"{CDN}/{{room}}/", {}),
        ("https://{room}.example.org/", *("https://{room}.example.org/",) * 2, {}),
        ("HTTP://[2001:db8::1]:8080/a", *("http://[2001:db8::1]:8080/a/",) * 2, {}),
        (f"{CDN}/a/i.m3u8", f"{CDN}/a/i.m3u8", f"{CDN}/a/", {"hls": "i.m3u8"}),
        (
            f"{CDN}/a/I.M3U8?t=/x&e=1",
            f"{CDN}/a/I.M3U8?t=/x&e=1",
            f"{CDN}/a/",
            {"hls": "I.M3U8?t=/x&e=1"},
        ),
        (f"{CDN}/hall.mp3", f"{CDN}/hall.mp3", f"{CDN}/", {"mp3_high": "hall.mp3"}),
        (f"{CDN}/hall.webm", f"{CDN}/hall.webm", f"{CDN}/", {"webm_high": "hall.webm"}),
        ("https://bücher.example/a", *("https://xn--bcher-kva.example/a/",) * 2, {}),
    ],
)
def test_stream_url_has_a_base_or_is_a_whole_stream(text, url, base, files):
    assert StreamUrl().validate(text) == url
    assert split_stream_url(url) == StreamAddress(base, files)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (f"{CDN}/hall/?token=a", "a query behind a whole address only"),
        (f"{CDN}/hall?token=a.m3u8", "a query behind a whole address only"),
        (f"{CDN}/hall/#live", "without a fragment"),
        (f"{CDN}/i.m3u8#t=1", "without a fragment"),
        ("https://u:p@cdn.example.org/", "without user and password"),
        ("https://u@cdn.example.org/i.m3u8", "without user and password"),
        (f"{CDN}/my hall/", "write %20 for a space"),
        (f"{CDN}/hall\t/", "write %20 for a space"),
        (f"{CDN}/säle/", "write others percent-encoded"),
        (f"{CDN}/%zz/", "write others percent-encoded"),
        (f'{CDN}/"x"/', "write others percent-encoded"),
        (f"{CDN}/hall.html", "the folder of the streams, or the whole address of a stream"),
        (f"{CDN}/hall.mpd", "the folder of the streams, or the whole address of a stream"),
        ("https:///hall", "a host name or an IP address"),
        ("https://cdn..example/", "a host name or an IP address"),
        ("https://[::1/", "a host name or an IP address"),
        ("https://cdn.example.org:0/", "a host name or an IP address"),
        ("https://192.0.2.999/", "a host name or an IP address"),
        ("cdn.example.org/hall", "an address with its scheme: https://cdn.example.org/hall"),
        ("http:/cdn.example.org/", "an address with its scheme: http://cdn.example.org/"),
        ("//cdn.example.org/", "an address with its scheme: https://cdn.example.org/"),
        ("rtmp://cdn.example.org/", "an http:// or https:// address"),
        (7, "an http:// or https:// address"),
    ],
)
def test_stream_url_that_cannot_work_is_refused_with_the_reason(text, reason):
    with pytest.raises(InvalidValueError, match=f"^allowed: .*{reason}"):
        StreamUrl().validate(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", ""),
        ("/brand/logo", "/brand/logo"),
        ("logo.png", "logo.png"),
        ("x", "x"),
        ("https://example.org/a?b=c#d", "https://example.org/a?b=c#d"),
        ("HTTPS://example.org", "https://example.org"),
        ("http://[::1]:8080/x.png", "http://[::1]:8080/x.png"),
        ("https://de.example/Vögel", "https://de.example/Vögel"),
    ],
)
def test_web_address_is_a_url_or_a_path(text, value):
    assert WebAddress().validate(text) == value


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("media.example.org/c/x", "with its scheme: https://media.example.org/c/x"),
        ("example.org", "with its scheme: https://example.org"),
        ("www.example/", "with its scheme: https://www.example/"),
        ("//example.org/", "with its scheme: https://example.org/"),
        ("localhost:8000/x", "with its scheme: https://localhost:8000/x"),
        ("javascript:alert(1)", "begins with https:// or http://"),
        ("data:text/html,x", "begins with https:// or http://"),
        ("https://a.example; script-src *", "write %20"),
        ("https://a.example;script-src/x", "a host name"),
        ("https://a.example/\x01", "an address of the characters of URLs"),
    ],
)
def test_web_address_that_leads_elsewhere_is_refused(text, reason):
    with pytest.raises(InvalidValueError, match=f"^allowed: .*{reason}"):
        WebAddress().validate(text)


def test_recordings_need_a_url_or_a_path_from_the_root():
    assert WebAddress("absolute").validate("/recordings") == "/recordings"
    with pytest.raises(InvalidValueError):
        WebAddress("absolute").validate("recordings")


def test_base_of_the_agent_is_no_playlist():
    assert Url(base_only=True).is_valid("https://edge.example.org/live")
    assert not Url(base_only=True).is_valid("https://edge.example.org/live/index.M3U8")


@pytest.mark.parametrize(
    ("url", "source"),
    [
        ("https://cdn.example.org:8443/x.png", "https://cdn.example.org:8443"),
        ("http://[2001:db8::1]/x.png", "http://*"),
        ("http://[2001:db8::1]:8080/x.png", "http://*:8080"),
        ("/logo.png", ""),
        ("", ""),
    ],
)
def test_policy_source_of_an_ipv6_address_has_no_host(url, source):
    assert csp_source(url) == source

"""Sanitising text, HTML and links."""

import re

import pytest
from lxml import etree

from streaming_system.util.sanitize import sanitise_html, sanitise_text, sanitise_url


@pytest.mark.parametrize(
    ("value", "clean"),
    [
        ("  two\n words\t", "two words"),
        ("a\x00b\x07c", "abc"),
        ("right \u202eto left\u2069", "right to left"),
        ("half \ud83d a pair", "half a pair"),
        ("x" * 2000, "x" * 999 + "…"),
        (
            "Ask ada@example.org or b.c@d.example",
            "Ask [e-mail address removed] or [e-mail address removed]",
        ),
        ("See @ada@social.example", "See @[e-mail address removed]"),
        ("Grüße, 世界 👩‍💻", "Grüße, 世界 👩‍💻"),
        ("{{ 7 * 7 }} {% x %}", "{{ 7 * 7 }} {% x %}"),
    ],
)
def test_text_becomes_one_sanitised_line(value, clean):
    assert sanitise_text(value) == clean


@pytest.mark.parametrize(
    ("value", "clean"),
    [
        ("<p>ok</p><script>alert(1)</script>", "<p>ok</p>"),
        ('<img src="http://t.example/p.png">Hi', "Hi"),
        ('<a href="javascript:alert(1)">x</a>', '<a rel="noopener noreferrer nofollow">x</a>'),
        ('<a href="/admin">x</a>', '<a rel="noopener noreferrer nofollow">x</a>'),
        (
            '<a href="https://e.example/" onclick="x()" style="y">x</a>',
            '<a href="https://e.example/" rel="noopener noreferrer nofollow">x</a>',
        ),
        ("<h1>Big</h1><p>text", "Big<p>text</p>"),
        ("<p>mail ada&#64;example.org</p>", "<p>mail [e-mail address removed]</p>"),
        ('<a href="mailto:ada@example.org">x</a>', '<a rel="noopener noreferrer nofollow">x</a>'),
        ("a < b", "a &lt; b"),
        ("", ""),
    ],
)
def test_html_keeps_text_and_loses_active_content(value, clean):
    assert sanitise_html(value) == clean


def test_long_html_is_cut_between_tags_and_closed():
    clean = sanitise_html(
        "<p>" + "word " * 30 + '<a href="https://e.example/">x</a>', max_chars=160
    )

    assert clean == "<p>" + "word " * 30 + "</p>"


def test_malicious_html_is_sanitised():
    assert sanitise_html("<" * 50_000).count("&lt;") > 0


@pytest.mark.parametrize(
    ("value", "link"),
    [
        ("https://e.example/talk?id=1#a", "https://e.example/talk?id=1#a"),
        (" http://e.example ", "http://e.example"),
        ("javascript:alert(1)", ""),
        ("//e.example/x", ""),
        ("/talk/1", ""),
        ("https://", ""),
        ("http://[::1", ""),
        ("https://user:pw@e.example/", ""),
        ("https://e.example/a b", ""),
        ("https://e.example/?from=ada@example.org", ""),
        ("https://social.example/@ada", "https://social.example/@ada"),
        ("https://e.example/" + "x" * 2000, ""),
    ],
)
def test_only_absolute_http_urls_are_links(value, link):
    assert sanitise_url(value) == link


@pytest.mark.parametrize(
    "character",
    [
        "\v",
        "\f",
        "\x1c",
        "\x1f",
        "&#11;",
        "&#x1c;",
        "&#1;",
        "&#8238;",
        "\ufffe",
        "&#xFFFF;",
        "&#12;",
    ],
)
def test_html_has_no_characters_that_are_invalid_in_xml(character):
    """Such a character in an abstract broke the XML export."""
    html = sanitise_html(f"<p>one{character}two</p>")

    assert re.fullmatch(r"<p>one ?two</p>", html)
    etree.fromstring(f"<a>{html}</a>")

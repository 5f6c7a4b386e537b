"""The header, stylesheets and policy that the tracker's pages share with the frontend's."""

from types import SimpleNamespace

from streaming_system.config.model import ConferenceConfig, Room, SiteConfig
from streaming_system.tracker.site_shell import SiteShell


def make_shell(frontend_url, *, theme="", **default):
    room = Room(id="default", **{"title": "Demo Conf", **default})
    conference = ConferenceConfig(site=SiteConfig(secret="", theme=theme), default=room, rooms={})
    registry = SimpleNamespace(settings={"frontend.url": frontend_url})
    return SiteShell(
        SimpleNamespace(conference=conference, registry=registry, static_path=lambda path: path)
    )


def test_tracker_below_the_site_loads_nothing_of_other_hosts():
    shell = make_shell("/", theme="terminal")

    assert shell.theme == "/theme/current/style.css"
    assert shell.logo == "/brand/logo"
    assert "http" not in shell.content_security_policy()


def test_tracker_with_a_host_of_its_own_takes_theme_and_logo_from_the_site():
    shell = make_shell("https://live.example/conf", theme="terminal")

    assert shell.theme == "https://live.example/conf/theme/current/style.css"
    assert shell.logo == "https://live.example/conf/brand/logo"
    policy = shell.content_security_policy("form-action 'self'").split("; ")
    for sources in ("style-src 'self'", "img-src 'self' data:", "font-src 'self'"):
        assert f"{sources} https://live.example" in policy
    assert "script-src 'self'" in policy
    assert "form-action 'self'" in policy


def test_logo_of_another_host_is_allowed_as_an_image_only():
    policy = make_shell("/", logo="https://img.example/logo.svg").content_security_policy()

    assert "img-src 'self' data: https://img.example" in policy.split("; ")
    assert policy.count("https://img.example") == 1


def test_site_without_a_theme_has_no_link_to_one():
    assert make_shell("/").theme == ""


def test_site_without_a_title_has_a_general_one():
    assert make_shell("/", title="Unknown stream").title == "Live streams"

"""All pages of a site, found by its routes, so that tests include new pages."""

import re
import subprocess

import pytest
from pyramid.config import Configurator
from pyramid.interfaces import IRoutesMapper

from .config import CONFERENCE_SETTING

ACCOUNT_NAME, ACCOUNT_PASSWORD = "ada", "correct horse"
# Variants of pages, and a missing page, which the routes do not contain.
EXTRA_PATHS = ("/lab", "/schedule?view=list", "/example?template=inroom", "/none")


@pytest.fixture
def log_in(site, clean_environment):
    """Create an account; return a function that logs in on a page."""
    if ACCOUNT_NAME not in site.accounts:
        subprocess.run(
            [".venv/bin/streaming-system", "admin", "create", ACCOUNT_NAME, "--password-stdin"],
            cwd=site.checkout,
            env=clean_environment,
            input=f"{ACCOUNT_PASSWORD}\n",
            text=True,
            capture_output=True,
            check=True,
        )
        site.accounts.add(ACCOUNT_NAME)

    def log_in(page):
        page.get_by_label("Name").fill(ACCOUNT_NAME)
        page.get_by_label("Password").fill(ACCOUNT_PASSWORD)
        page.get_by_role("button", name="Log in").click()

    return log_in


@pytest.fixture
def unreachable_posts(configuration):
    """All rooms have posts of an unreachable server."""
    configuration.add(CONFERENCE_SETTING, '"posts": "#conf@http://127.0.0.1:9",')


@pytest.fixture
def page_paths(unreachable_posts, site, log_in, go_live, chromium):
    """The paths of all pages while a room is live, for visitors and for the crew."""
    go_live("example")
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{site.url}/tracker/admin")
    log_in(page)
    page.get_by_role("button", name="Log out").wait_for()

    def is_page(path):
        response = page.request.get(site.url + path, max_redirects=0)
        return response.status == 200 and response.headers["content-type"].startswith("text/html")

    # Opening the log-out page would end the session.
    paths = [
        path for path in route_paths(first_talk_path(site)) if not re.search("/log(in|out)$", path)
    ]
    paths = [*filter(is_page, paths), *EXTRA_PATHS]
    context.close()
    return {
        "visitors": [path for path in paths if not path.startswith("/tracker")],
        "crew": [path for path in paths if path.startswith("/tracker")],
    }


def first_talk_path(site):
    """Return the path of a talk's page."""
    return re.search(r'href="(/talk/[^"]+)"', site.text("/example/schedule"))[1]


def route_paths(talk, room="example"):
    """Return a path for each route of both apps."""
    values = {
        "room": room,
        "talk": talk.removeprefix("/talk/"),
        "icon": "192",
        "language": "de",
        "large": "",
        "form": "jpg",
    }
    return [
        prefix
        + re.sub(
            r"{(\w+)(:([^{}]|{[^}]*})*)?}", lambda match: values.get(match[1], "none"), pattern
        )
        for app, prefix in (("frontend", ""), ("tracker", "/tracker"))
        for pattern in route_patterns(app)
    ]


def route_patterns(app):
    config = Configurator(settings={})
    config.include(f"streaming_system.{app}.routes")
    config.commit()
    routes = config.registry.getUtility(IRoutesMapper).get_routes()
    return [route.pattern for route in routes if route.pattern.startswith("/")]

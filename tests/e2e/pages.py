"""Every page of a site, found by its routes: a new one is tried without being named anywhere."""

import re
import subprocess

import pytest
from pyramid.config import Configurator
from pyramid.interfaces import IRoutesMapper

from .config import CONFERENCE_SETTING

NAME, PASSWORD = "ada", "correct horse"
# What the routes do not tell: other looks of a page, and what is not there.
EXTRA_PATHS = ("/lab", "/schedule?view=list", "/example?template=inroom", "/none")


@pytest.fixture
def crew(site, clean_environment):
    """An account; returns how to log in to a page."""
    if NAME not in site.accounts:
        subprocess.run(
            [".venv/bin/streaming-system", "admin", "create", NAME, "--password-stdin"],
            cwd=site.checkout,
            env=clean_environment,
            input=f"{PASSWORD}\n",
            text=True,
            capture_output=True,
            check=True,
        )
        site.accounts.add(NAME)

    def log_in(page):
        page.get_by_label("Name").fill(NAME)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()

    return log_in


@pytest.fixture
def posts_nowhere(configuration):
    """All rooms have posts of a server that does not answer."""
    configuration.add(CONFERENCE_SETTING, '"posts": "#conf@http://127.0.0.1:9",')


@pytest.fixture
def every_page(posts_nowhere, site, crew, go_live, chromium):
    """The addresses of all pages while a room is live, by who looks at them."""
    go_live("example")
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{site.url}/tracker/admin")
    crew(page)
    page.get_by_role("button", name="Log out").wait_for()

    def is_page(path):
        answer = page.request.get(site.url + path, max_redirects=0)
        return answer.status == 200 and answer.headers["content-type"].startswith("text/html")

    # The crew is logged in already, and shall not log out on the way.
    paths = [
        path for path in route_paths(first_talk_path(site)) if not re.search("/log(in|out)$", path)
    ]
    found = [*filter(is_page, paths), *EXTRA_PATHS]
    context.close()
    return {
        "visitors": [path for path in found if not path.startswith("/tracker")],
        "crew": [path for path in found if path.startswith("/tracker")],
    }


def first_talk_path(site):
    """Return the address of a talk's page."""
    return re.search(r'href="(/talk/[^"]+)"', site.text("/example/schedule"))[1]


def route_paths(talk, room="example"):
    """Return an address for each route of both apps."""
    parts = {
        "room": room,
        "talk": talk.removeprefix("/talk/"),
        "icon": "192",
        "language": "de",
        "large": "",
        "form": "jpg",
    }
    return [
        prefix
        + re.sub(r"{(\w+)(:([^{}]|{[^}]*})*)?}", lambda match: parts.get(match[1], "none"), pattern)
        for app, prefix in (("frontend", ""), ("tracker", "/tracker"))
        for pattern in route_patterns(app)
    ]


def route_patterns(app):
    config = Configurator(settings={})
    config.include(f"streaming_system.{app}.routes")
    config.commit()
    routes = config.registry.getUtility(IRoutesMapper).get_routes()
    return [route.pattern for route in routes if route.pattern.startswith("/")]

"""Every page of a site, found by its routes: a new one is tried without being named anywhere."""

import re
import subprocess

import pytest
from pyramid.config import Configurator
from pyramid.interfaces import IRoutesMapper

from .config import CONFERENCE, configure

NAME, PASSWORD = "ada", "correct horse"
# What the routes do not tell: other looks of a page, and what is not there.
BESIDES = ("/lab", "/schedule?view=list", "/example?template=inroom", "/none")


@pytest.fixture
def crew(site, checkout, clean_environment):
    """An account; returns how to log in to a page."""
    subprocess.run(
        [".venv/bin/streaming-system", "admin", "create", NAME, "--password-stdin"],
        cwd=checkout,
        env=clean_environment,
        input=f"{PASSWORD}\n",
        text=True,
        capture_output=True,
        check=True,
    )

    def log_in(page):
        page.get_by_label("Name").fill(NAME)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()

    return log_in


@pytest.fixture
def posts_nowhere(checkout):
    """All rooms have posts of a server that does not answer."""
    configure(checkout, CONFERENCE, '"posts": "#conf@http://127.0.0.1:9",')


@pytest.fixture
def every_page(posts_nowhere, site, crew, go_live, visit):
    """All pages while a room is live: each one's address, and the options of who may see it."""
    go_live("example")
    site.wait_for(lambda: 'data-live="true"' in site.text("/"), 10, "the room is live")
    talk = site.text("/example/schedule").split('href="/talk/')[1].split('"')[0]
    page = visit("/tracker/admin", java_script_enabled=False)
    crew(page)
    page.get_by_role("button", name="Log out").wait_for()
    of_crew = {"storage_state": page.context.storage_state()}

    def is_page(path):
        answer = page.request.get(site.url + path, max_redirects=0)
        return answer.status == 200 and answer.headers["content-type"].startswith("text/html")

    # Who is logged in is not shown how to do so, and shall not log out by the way.
    paths = [path for path in addresses(talk) if not re.search("/log(in|out)$", path)]
    found = [*filter(is_page, paths), *BESIDES]
    return [("/tracker/admin/login", {}), *((path, of_crew) for path in found)]


def addresses(talk, room="example"):
    """Return an address for each route of both apps."""
    parts = {
        "room": room,
        "talk": talk,
        "icon": "192",
        "language": "de",
        "large": "",
        "form": "jpg",
    }
    return [
        prefix
        + re.sub(r"{(\w+)(:([^{}]|{[^}]*})*)?}", lambda match: parts.get(match[1], "none"), pattern)
        for app, prefix in (("frontend", ""), ("tracker", "/tracker"))
        for pattern in patterns(app)
    ]


def patterns(app):
    config = Configurator(settings={})
    config.include(f"streaming_system.{app}.routes")
    config.commit()
    routes = config.registry.getUtility(IRoutesMapper).get_routes()
    return [route.pattern for route in routes if route.pattern.startswith("/")]

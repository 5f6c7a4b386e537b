"""Fixtures: sites that the project's own commands serve, and a browser."""

import contextlib
import os
from functools import partial
from pathlib import Path

import ports
import pytest
from playwright.sync_api import expect, sync_playwright
from programs import require
from timeouts import extended

from .config import configuration_with_theme
from .pages import log_in, page_paths, unreachable_posts  # noqa: F401 - Fixtures.
from .schedule_pages import open_schedule, write_schedule  # noqa: F401 - Fixtures.
from .shared_sites import SharedSites
from .sites import copy_checkout, run_in_checkout, serving, serving_site
from .stream import (  # noqa: F401 - Fixtures.
    encoder,
    encoder_class,
    open_room,
    origin,
    own_stream,
    source,
    stream,
)
from .webm_server import resume_streams, streams  # noqa: F401 - Fixtures.


@pytest.fixture
def checkout(root, tmp_path) -> Path:
    """A copy of the project for one test."""
    return copy_checkout(root, tmp_path)


@pytest.fixture
def free_port() -> int:
    return ports.free_port()


@pytest.fixture(scope="session")
def clean_environment():
    """The environment without the variables of the test run."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTEST", "STREAMING", "MAKE", "MFLAGS"))
    }


@pytest.fixture
def serve_command(checkout, clean_environment):
    """Return a context manager that runs a command in the checkout, and waits for its site."""
    return partial(serving, checkout, clean_environment)


@pytest.fixture
def run_command(checkout, clean_environment):
    """Return a function that runs a command in the test's checkout."""
    return partial(run_in_checkout, checkout, clean_environment)


@pytest.fixture(scope="session")
def chromium():
    path = require("chromium")
    expect.set_options(timeout=extended(10) * 1000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-quic",
                "--disable-sync",
                "--no-first-run",
                # WebRTC tests connect two pages of this browser without a network.
                "--allow-loopback-in-peer-connection",
                # The suggestions of the address bar cause two thirds of a window's cost.
                "--disable-features=WebRtcHideLocalIpsWithMdns,WebUIOmniboxPopup,"
                "WebUIOmniboxFullPopup,WebUIOmniboxAimPopup",
            ],
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def shared_sites(root, tmp_path_factory, clean_environment):
    """Sites that tests share, one for each configuration."""
    sites = SharedSites(root, tmp_path_factory.mktemp, clean_environment)
    yield sites
    sites.close()


@pytest.fixture
def theme():
    """The configured theme; a test may parametrize it."""
    return ""


@pytest.fixture
def configuration(theme):
    """The configuration of the test's site. Fixtures change it before the site starts."""
    return configuration_with_theme(theme)


@pytest.fixture
def site(shared_sites, configuration):
    """A site with the test's configuration, without data of earlier tests."""
    return shared_sites.get(configuration)


@pytest.fixture
def own_site(checkout, clean_environment, free_port):
    """A site for one test."""
    with serving_site(checkout, clean_environment, free_port) as site:
        yield site


@pytest.fixture(scope="session")
def player_site(root, tmp_path_factory, clean_environment):
    """A site with many rooms: each test of the player gets its own room instead of a site."""
    from .player_site import serving_player_site

    with serving_player_site(root, tmp_path_factory.mktemp("player"), clean_environment) as site:
        yield site


@pytest.fixture
def room(player_site):
    """A room for one test."""
    return next(player_site.rooms)


@pytest.fixture
def open_page(chromium, player_site):
    """Return a function that opens a page of the player site."""
    with page_opener(chromium, player_site) as visit:
        yield visit


@pytest.fixture
def go_live(site):
    """Return a function that registers an endpoint for a room, and waits for its page."""
    return site.go_live


@pytest.fixture
def new_page(chromium):
    """Return a function that opens a window, which is closed after the test."""
    with window_opener(chromium) as new_page:
        yield new_page


@pytest.fixture
def visit(chromium, site):
    """Return a function that opens a page, which records its requests and errors."""
    with page_opener(chromium, site) as visit:
        yield visit


@contextlib.contextmanager
def page_opener(chromium, site):
    with window_opener(chromium) as new_page:

        def visit(path, **options):
            page = new_page(**options)
            page.goto(site.url + path)
            return page

        yield visit


@contextlib.contextmanager
def window_opener(chromium):
    contexts = []

    def new_page(**options):
        contexts.append(chromium.new_context(**options))
        return record_activity(contexts[-1].new_page())

    try:
        yield new_page
    finally:
        for context in contexts:
            context.close()


def record_activity(page):
    """Record the URLs of a page's requests, and its errors."""
    page.requested_urls, page.errors = [], []
    page.on("request", lambda request: page.requested_urls.append(request.url))
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.on(
        "console",
        lambda message: message.type == "error" and page.errors.append(message.text),
    )
    return page

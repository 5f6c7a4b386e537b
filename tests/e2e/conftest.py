"""The project's site, served by its own commands, and a browser that looks at it."""

import contextlib
import os
from functools import partial
from pathlib import Path

import ports
import pytest
from playwright.sync_api import sync_playwright
from programs import require

from .config import configuration_with_theme
from .pages import crew, every_page, posts_nowhere  # noqa: F401 - Fixtures.
from .served import copy_checkout, run_in_checkout, serving, serving_site
from .shared_sites import SharedSites
from .stream import (  # noqa: F401 - Fixtures.
    encoder,
    kind_of_encoder,
    origin,
    own_stream,
    source,
    stream,
    watch,
)


@pytest.fixture
def checkout(root, tmp_path) -> Path:
    """A copy of the project that is the test's own."""
    return copy_checkout(root, tmp_path)


@pytest.fixture
def free_port() -> int:
    return ports.free_port()


@pytest.fixture(scope="session")
def clean_environment():
    """The environment without what the test run has put into it."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTEST", "STREAMING", "MAKE", "MFLAGS"))
    }


@pytest.fixture
def serve(checkout, clean_environment):
    """Return a context manager: run a command in the checkout until its site answers."""
    return partial(serving, checkout, clean_environment)


@pytest.fixture
def run(checkout, clean_environment):
    """Return a function that runs a command in the test's own checkout."""
    return partial(run_in_checkout, checkout, clean_environment)


@pytest.fixture(scope="session")
def chromium():
    path = require("chromium")
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
                # A test's sender and its viewer find each other without any network.
                "--allow-loopback-in-peer-connection",
                # Nobody sees the suggestions of an address bar: two thirds of what a window costs.
                "--disable-features=WebRtcHideLocalIpsWithMdns,WebUIOmniboxPopup,"
                "WebUIOmniboxFullPopup,WebUIOmniboxAimPopup",
            ],
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def shared_sites(root, tmp_path_factory, clean_environment):
    """The sites that tests share, one for each configuration."""
    sites = SharedSites(root, tmp_path_factory.mktemp, clean_environment)
    yield sites
    sites.close()


@pytest.fixture
def theme():
    """What the configuration calls the theme; a parameter of a test takes its place."""
    return ""


@pytest.fixture
def configuration(theme):
    """The configuration of the test's site. Fixtures add to it before the site is served."""
    return configuration_with_theme(theme)


@pytest.fixture
def site(shared_sites, configuration):
    """A site with the test's configuration, without anything of an earlier test."""
    return shared_sites.get(configuration)


@pytest.fixture
def own_site(checkout, clean_environment, free_port):
    """A site that no other test uses."""
    with serving_site(checkout, clean_environment, free_port) as site:
        yield site


@pytest.fixture(scope="session")
def stage(root, tmp_path_factory, clean_environment):
    """A site with a room for each test of the player, so that none has to wait for its own site."""
    from .players import serving_player_site

    with serving_player_site(root, tmp_path_factory.mktemp("stage"), clean_environment) as stage:
        yield stage


@pytest.fixture
def room(stage):
    """A room that no other test has."""
    return next(stage.rooms)


@pytest.fixture
def open_page(chromium, stage):
    """Return a function that opens a page of the site with a room for each test."""
    with page_opener(chromium, stage) as visit:
        yield visit


@pytest.fixture
def go_live(site):
    """Return a function that lets a room be live."""
    return site.go_live


@pytest.fixture
def new_page(chromium):
    """Return a function that opens a window; it is closed even if the test fails."""
    with window_opener(chromium) as new_page:
        yield new_page


@pytest.fixture
def visit(chromium, site):
    """Return a function that opens a page; it notes what the page asks for and complains of."""
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
    """Let a page note what it asks for and complains of."""
    page.asked, page.complaints = [], []
    page.on("request", lambda request: page.asked.append(request.url))
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on(
        "console",
        lambda message: message.type == "error" and page.complaints.append(message.text),
    )
    return page

"""Offline use, installation and sharing of the site."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import expect

from .config import SITE_SECTION


@pytest.fixture
def open_cached(visit):
    """Return a function that opens a page, and waits until its service worker is active."""

    def open_cached(path="/", **options):
        page = visit(path, **options)
        # The worker controls the next page.
        page.evaluate(
            """async () => {
              const { active } = await navigator.serviceWorker.ready;
              if (active.state === "activated") return;
              await new Promise((done) => active.addEventListener("statechange", done));
            }"""
        )
        return page

    return open_cached


def cached_paths(page):
    """Return the paths of all cached responses."""
    return page.evaluate(
        """async () => {
          const paths = [];
          for (const name of await caches.keys()) {
            for (const { url } of await (await caches.open(name)).keys()) {
              paths.push(url.slice(location.origin.length));
            }
          }
          return paths;
        }"""
    )


def test_offline_page_loads_the_requested_page_when_online(open_cached, site):
    page = open_cached()
    page.context.set_offline(True)

    page.goto(f"{site.url}/example")

    expect(page.locator("h1")).to_have_text("You are offline", use_inner_text=True)
    # Style and logo are cached.
    assert page.evaluate("document.styleSheets[0].cssRules.length") > 0
    assert page.locator(".brand img").evaluate("image => image.naturalWidth") > 0
    expect(page.get_by_text("tried again as soon as your device is online")).to_be_visible()

    # The requested page loads without a click.
    with page.expect_navigation():
        page.context.set_offline(False)
    page.locator(".stage").wait_for()
    expect(page).to_have_url(f"{site.url}/example")


def test_schedule_can_be_read_offline(open_cached, site):
    page = open_cached("/schedule")
    page.reload()
    page.locator(".star").first.click()
    titles = page.locator(".talk a").all_inner_texts()
    page.wait_for_function(
        "async () => Boolean(await caches.match('/schedule?day=all', { ignoreVary: true }))"
    )
    page.context.set_offline(True)

    page.goto(f"{site.url}/")
    page.get_by_role("link", name="The schedule").click()

    page.locator(".star[aria-pressed=true]").wait_for()
    expect(page.locator(".talk a")).to_have_text(titles, use_inner_text=True)
    page.get_by_text("You are offline. This is the last saved version of this page.").wait_for()
    # The cached page of all days includes other days.
    page.goto(f"{site.url}/schedule?day=2020-01-01")
    page.locator(".agenda .star").first.wait_for()
    assert set(titles) <= set(page.locator(".talk a").all_inner_texts())

    page.context.set_offline(False)
    page.get_by_text("You are offline.").wait_for(state="hidden")
    page.reload()
    page.get_by_role("heading", name="Nothing is planned").wait_for()


def test_live_data_is_not_cached(open_cached, site, go_live):
    go_live("example")
    page = open_cached("/example")
    page.reload()
    page.goto(f"{site.url}/schedule")
    page.goto(f"{site.url}/monitor")
    page.goto(f"{site.url}/tracker/endpoint/stats")
    page.goto(f"{site.url}/schedule?q=talk")
    page.goto(site.url)

    names = cached_paths(page)

    assert "/offline" in names
    static = [name for name in names if name.startswith("/static/")]
    assert len(static) > 5
    allowed = ("/offline", "/schedule", "/schedule?day=all", "/brand/logo", "/favicon.ico")
    assert sorted(set(names) - set(static) - set(allowed)) == []


def test_update_deletes_the_cache_of_the_old_version(open_cached, site):
    page = open_cached()
    page.evaluate(
        "caches.open('files-0123456789ab').then((cache) => cache.put('/x', new Response('old')))"
    )
    page.evaluate("navigator.serviceWorker.ready.then((registration) => registration.unregister())")
    page.reload()
    page.evaluate("navigator.serviceWorker.ready")

    page.wait_for_function(
        "() => caches.keys().then((names) => !names.includes('files-0123456789ab'))"
    )

    page.reload()
    expect(page.locator(".masthead")).to_be_visible()
    assert page.errors == []


def test_range_requests_bypass_the_cache(open_cached):
    page = open_cached()
    page.reload()

    status = page.evaluate(
        """async () => (await fetch(document.querySelector("link[rel=stylesheet]").href,
                                   { headers: { Range: "bytes=0-9" } })).status"""
    )

    assert status == 206


def test_browser_can_install_the_site(open_cached):
    page = open_cached()
    devtools = page.context.new_cdp_session(page)

    manifest = devtools.send("Page.getAppManifest")

    assert manifest["errors"] == []
    assert json.loads(manifest["data"])["display"] == "standalone"
    assert devtools.send("Page.getInstallabilityErrors")["installabilityErrors"] in (
        [],
        # Playwright's contexts are incognito.
        [{"errorId": "in-incognito", "errorArguments": []}],
    )


class TestSharing:
    @pytest.fixture
    def configuration(self, configuration):
        configuration.add(SITE_SECTION, '"embed": ["*"],')
        return configuration

    def test_copied_link_is_confirmed(self, visit, site):
        page = visit("/example?template=group#stream", permissions=["clipboard-read"])
        page.locator(".share > summary").press("Enter")
        dialog = page.get_by_role("dialog", name="Share")
        dialog.wait_for()

        dialog.get_by_role("button", name="Copy: Link to this page").press("Enter")

        dialog.get_by_role("status").get_by_text("Copied: Link to this page").wait_for()
        assert page.evaluate("navigator.clipboard.readText()") == f"{site.url}/example"
        stream = dialog.get_by_role("textbox", name="Stream for VLC")
        assert stream.input_value().endswith("/example/stream.m3u")
        page.keyboard.press("Escape")
        dialog.wait_for(state="detached")
        # The focus returns to the button.
        assert page.evaluate("document.activeElement.matches('.share > summary')")
        assert page.errors == []

    def test_share_section_unfolds_without_javascript(self, visit, site):
        page = visit("/example", java_script_enabled=False)

        page.locator(".share > summary").click()

        assert page.get_by_label("Link to this page").input_value() == f"{site.url}/example"
        code = page.get_by_label("Embed code").input_value()
        assert code.startswith(f'<iframe src="{site.url}/embed/example"')

    def test_embed_code_shows_the_player_on_another_site(self, visit, site, blog, go_live):
        go_live("example")
        page = visit("/example")
        code = page.locator("#share-code").input_value()
        blog.page = f"<!DOCTYPE html><title>Blog</title>{code}"

        page.goto(blog.url)

        frame = page.frame_locator("iframe")
        frame.locator(".stage video").wait_for()
        with page.context.expect_page() as opened:
            frame.locator(".embed-caption a").click()
        opened.value.locator(".masthead").wait_for()
        assert opened.value.url == f"{site.url}/example"

    def test_other_pages_cannot_be_framed(self, visit, site, blog):
        page = visit("/")
        blog.page = f"<!DOCTYPE html><title>Blog</title><iframe src='{site.url}/example'></iframe>"

        with page.expect_console_message(lambda message: "frame-ancestors" in message.text):
            page.goto(blog.url)

        expect(page.frame_locator("iframe").locator(".masthead")).to_have_count(0)

    @pytest.fixture
    def blog(self):
        """Another site with one page. Its host name differs, so that it is another origin."""

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                body = server.page.encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            server.url = f"http://localhost:{server.server_port}/"
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            yield server
            server.shutdown()
            thread.join()

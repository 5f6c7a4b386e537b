"""A room's stream starts before the other scripts of its page, and the player takes it over."""

from playwright.sync_api import expect

from .player_site import wait_until_playing


def test_stream_plays_before_other_scripts_and_continues_with_the_player(
    player_site, room, stream, origin, open_page
):
    player_site.register(room, "edge1", origin())
    player_site.wait_for(lambda: "<video" in player_site.text(f"/{room}"), 10, "a player")
    page = open_page("/")
    held = []
    page.route("**/room-player.js", lambda route: held.append(route))
    page.goto(f"{player_site.url}/{room}")

    wait_until_playing(page, with_player=False)
    source = page.locator("video").evaluate("video => video.currentSrc")
    expect(page.locator(".player-bar")).to_have_count(0)
    held[0].continue_()

    expect(page.locator(".stage[data-player-state=playing] .player-bar")).to_be_visible()
    wait_until_playing(page)
    assert page.locator("video").evaluate("video => video.currentSrc") == source
    assert page.locator("video").evaluate("video => video.played.length") == 1
    assert page.errors == []


def test_page_works_without_the_early_stream(player_site, room, stream, origin, open_page):
    player_site.register(room, "edge1", origin())
    player_site.wait_for(lambda: "<video" in player_site.text(f"/{room}"), 10, "a player")
    page = open_page("/")
    page.route("**/hls-settings.js", lambda route: route.abort())
    page.goto(f"{player_site.url}/{room}")
    # A script of the page has replaced the link.
    expect(page.locator("button[aria-controls=pane-chat]")).to_be_visible()

    page.locator(".share summary").click()

    expect(page.locator(".share-dialog")).to_be_visible()

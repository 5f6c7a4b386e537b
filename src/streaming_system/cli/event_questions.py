"""The questions of `streaming-system init`; an option answers one of them."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

import click

from streaming_system.cli.common import feed_options, progress
from streaming_system.cli.schedule_feeds import TimeZoneParam
from streaming_system.event_setup.chat import parse_chat
from streaming_system.event_setup.feed_overview import ONLY_ROOM, FeedOverview, fetch_overview
from streaming_system.plugin.feed import FeedError
from streaming_system.plugin_host.manager import PluginError
from streaming_system.schedule_import.compile import format_room_list
from streaming_system.util.validation import InvalidValueError, PrintableText, describe_invalid

NAME = PrintableText(200)
# As in the ini that is written: the feed may be on this machine.
FEED_SETTINGS = {"outbound.allowed_private_networks": "127.0.0.0/8 ::1"}
UTC = ZoneInfo("UTC")
ALL = "all"

S = TypeVar("S")
T = TypeVar("T")


class EventQuestions:
    """Asks in the terminal. The value of an option is validated in the same way.

    :param use_defaults: ask nothing.
    """

    def __init__(self, *, use_defaults: bool) -> None:
        self._use_defaults = use_defaults

    def name(self, option: str | None, folder: Path) -> str:
        """Return the name of the event; the default is that of the folder."""
        words = folder.resolve().name.replace("-", " ").replace("_", " ").split()
        default = " ".join(word if word.isdigit() else word.capitalize() for word in words)
        return self._value(option, "Name of the event", default or "Our Event", _parse_name)

    def feed(
        self, option: str | None, timezone: ZoneInfo | None
    ) -> tuple[str, FeedOverview | None]:
        """Return the feed and its overview; "" and ``None`` to go on without a feed."""
        source = option
        while True:
            if source is None:
                text = "Feed, an address or a file (empty: go on without one)"
                source = self._prompt(text, "")
            if not source.strip():
                return "", None
            try:
                with progress(f"Reading {source}"):
                    overview = fetch_overview(
                        source.strip(), feed_options(FEED_SETTINGS), timezone or UTC
                    )
            except (FeedError, PluginError) as error:
                line = " ".join(f"{source}: {error}".split())
                if self._use_defaults:
                    raise click.ClickException(
                        f"{line}; without --feed, the event is set up without a schedule"
                    ) from None
                click.echo(f"Error: {line}", err=True)
                source = None
                continue
            click.echo(f"The feed has {overview.describe()}.")
            return source.strip(), overview

    def timezone(self, option: ZoneInfo | None, overview: FeedOverview | None) -> str:
        """Return the name of the time zone: the option, the feed's, or what is entered."""
        if option:
            return option.key
        if overview and overview.names_timezone:
            return overview.timezone.key
        if self._use_defaults:
            click.echo("Times are shown in UTC; schedule-timezone in config.json changes that.")
            return UTC.key
        zone: ZoneInfo = click.prompt("Time zone", default=UTC.key, type=TimeZoneParam())
        return zone.key

    def rooms(self, option: Sequence[str], overview: FeedOverview | None) -> list[str]:
        """Return the rooms that are streamed: of the feed, or the ones that are entered."""
        if overview is None:
            if option:
                return [_parse_option(name, _parse_name) for name in dict.fromkeys(option)]
            return self._value(None, "Rooms, separated by commas", ONLY_ROOM, _parse_names)
        names = list(overview.rooms)
        if option:
            return _parse_option(option, lambda rooms: _find_rooms(rooms, names))
        if self._use_defaults or len(names) == 1:
            return names
        for number, name in enumerate(names, 1):
            click.echo(f"{number:4}  {name} ({overview.rooms[name]} talks)")
        return self._value(
            None, "Rooms that are streamed, by number", ALL, lambda text: _pick_rooms(text, names)
        )

    def languages(self, option: Sequence[str]) -> list[str]:
        """Return the tags of the languages of the pages; [] for all."""
        # The web framework slows down the start, so other commands do not import it.
        from streaming_system.frontend.i18n import INCLUDED_TAGS

        def parse(text: str) -> list[str]:
            tags = text.replace(",", " ").split()
            if tags == [ALL]:
                return []
            if not tags or not set(tags) <= set(INCLUDED_TAGS):
                allowed = f"languages among {' '.join(INCLUDED_TAGS)}, or all"
                raise ValueError(describe_invalid(text, allowed))
            return list(dict.fromkeys(tags))

        question = f"Languages of the pages ({' '.join(INCLUDED_TAGS)})"
        return self._value(" ".join(option) or None, question, ALL, parse)

    def chat(self, option: str | None) -> Mapping[str, str]:
        """Return the keys of the configuration for the chat."""
        question = "Chat: irc.libera.chat/#ourconf, #ourconf:matrix.org, https://… (empty: none)"
        return self._value(option, question, "", parse_chat)

    def _value(
        self, option: str | None, question: str, default: str, parse: Callable[[str], T]
    ) -> T:
        """Parse an option; without it, ask until the value is valid."""
        if option is not None:
            return _parse_option(option, parse)
        while True:
            text = self._prompt(question, default)
            try:
                return parse(text)
            except ValueError as error:
                if self._use_defaults:
                    raise click.ClickException(str(error)) from None
                click.echo(f"Error: {error}", err=True)

    def _prompt(self, question: str, default: str) -> str:
        if self._use_defaults:
            return default
        text: str = click.prompt(question, default=default, show_default=bool(default))
        return text


def _parse_option(option: S, parse: Callable[[S], T]) -> T:
    try:
        return parse(option)
    except ValueError as error:
        raise click.ClickException(str(error)) from None


def _parse_name(text: str) -> str:
    name = " ".join(text.split())
    try:
        return str(NAME.parse(name))
    except InvalidValueError as error:
        raise ValueError(describe_invalid(name, error.allowed)) from None


def _parse_names(text: str) -> list[str]:
    return list(dict.fromkeys(_parse_name(name) for name in text.split(",")))


def _find_rooms(rooms: Sequence[str], names: Sequence[str]) -> list[str]:
    """Return the rooms as the feed writes them; the case of letters is ignored."""
    spellings = {name.casefold(): name for name in reversed(names)}
    found = []
    for room in rooms:
        name = room if room in names else spellings.get(" ".join(room.split()).casefold())
        if name is None:
            raise ValueError(
                f"the feed has no room called {room!r}; it has: {format_room_list(list(names))}"
            )
        found.append(name)
    return list(dict.fromkeys(found))


def _pick_rooms(text: str, names: Sequence[str]) -> list[str]:
    """Return the rooms with some numbers of the list, which begins with 1."""
    words = text.replace(",", " ").split()
    if words == [ALL]:
        return list(names)
    numbers = [int(word) if word.isascii() and word.isdigit() else 0 for word in words]
    if not numbers or not all(1 <= number <= len(names) for number in numbers):
        allowed = f"numbers from 1 to {len(names)}, such as 1 2, or all"
        raise ValueError(describe_invalid(text, allowed))
    return [names[number - 1] for number in dict.fromkeys(numbers)]

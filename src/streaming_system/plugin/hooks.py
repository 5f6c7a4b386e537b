"""The hooks that a plugin can implement."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import pluggy

from streaming_system.plugin.context import ParseContext
from streaming_system.plugin.feed import Feed
from streaming_system.plugin.incident import Incident
from streaming_system.plugin.stats_source import StatsSource
from streaming_system.schedule.diff import Change
from streaming_system.schedule.model import Talk

PROJECT = "streaming_system"

# A new hook, helper or optional field raises the second number; a change that breaks plugins raises
# the first. docs/how-to/upgrading.md has the rules.
API_VERSION = (1, 0)

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@dataclass(frozen=True, kw_only=True)
class Parser:
    """A parser of one feed format.

    :param name: value of ``schedule-format`` in the configuration; unique among all plugins.
    :param summary: one line for people.
    :param recognise: gets a :class:`Feed` and returns its confidence that the feed has this format,
        from 0.0 to 1.0. It checks the decoded document, never the text.
    :param parse: gets a :class:`Feed` and a :class:`ParseContext` and yields a :class:`Talk` for
        each entry. The import validates, sorts and fills gaps. A parser reports a skipped entry by
        :meth:`ParseContext.skip`, and raises :class:`FeedError` for a feed that it cannot parse.
    :param is_sample: the talks are made up, for trials. Production refuses such a feed, and the
        import of a real one replaces it without a confirmation.
    """

    name: str
    summary: str
    recognise: Callable[[Feed], float]
    parse: Callable[[Feed, ParseContext], Iterable[Talk]]
    is_sample: bool = False


@hookspec
def register_parsers() -> list[Parser]:  # type: ignore[empty-body]
    """Register parsers of feed formats.

    Return a list of :class:`Parser`::

        @hookimpl
        def register_parsers():
            return [Parser(name="my-conference", summary="…", recognise=recognise, parse=parse)]
    """


@hookspec
def room_aliases() -> dict[str, str]:  # type: ignore[empty-body]
    """Map room names of feeds to other names.

    Return a mapping from the name in the feed to the right one; "" means that the name is no room.
    Names are compared case-sensitively, after white space is collapsed::

        @hookimpl
        def room_aliases():
            return {"Roosevelt & Kennedy": "Roosevelt", "Online": ""}
    """


@hookspec
def filter_talk(talk: Talk) -> bool | None:
    """Hide a talk.

    It is called for each talk that a parser yields, after rooms are mapped and before validation.
    Return ``False`` to hide the talk, which is then reported as ``not-accepted`` with the name of
    the plugin; return ``None`` for no opinion::

        @hookimpl
        def filter_talk(talk):
            return False if talk.title.startswith("[internal]") else None
    """


@hookspec
def enrich_talk(talk: Talk) -> Talk | None:
    """Change a talk: rename it, add a link, correct its language.

    It is called for each talk that is not hidden. Return another :class:`Talk`, created by
    :func:`dataclasses.replace`, or ``None`` for no change::

        @hookimpl
        def enrich_talk(talk):
            return replace(talk, title=talk.title.removeprefix("Talk: "))
    """


@hookspec
def schedule_changed(changes: Sequence[Change], zones: Mapping[str, ZoneInfo]) -> None:
    """Get the changes of an import, for example to publish them.

    It is called after each import that changed something, in a subprocess with a timeout of ten
    seconds. Exceptions are logged and have no other effect.

    :param changes: moved, new, removed and renamed talks, in order of time; rooms are ids.
    :param zones: time zones by room id, for ``change.describe(zone)``.
    """


@hookspec
def incident_changed(incident: Incident, options: Mapping[str, str]) -> None:
    """Get an incident that has been opened or resolved, for example to notify the crew.

    ``streaming-system tracker watch`` calls it when an incident opens and when it is resolved, in
    a subprocess with a timeout of ten seconds. Only a plugin that raises is called again, with
    backoff::

        @hookimpl
        def incident_changed(incident, options):
            send(options["plugin.mine.phone"], incident.line)

    :param options: the keys of the tracker's ini that begin with ``plugin.``, and their values.
    """


@hookspec
def register_stats_sources() -> list[StatsSource]:  # type: ignore[empty-body]
    """Register types of streaming servers from which the agent can fetch stats.

    Return a list of :class:`StatsSource`::

        @hookimpl
        def register_stats_sources():
            return [StatsSource(name="my-server", summary="…", options=(), fetch=fetch)]
    """

"""The hooks a plugin may implement."""

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

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@dataclass(frozen=True, kw_only=True)
class Parser:
    """One feed format that can be read.

    :param name: how the configuration names it in ``schedule-format``; unique among all plugins.
    :param summary: what it is, in one line for people.
    :param recognise: takes a :class:`Feed` and returns how sure it is that this is its format,
        from 0.0 (no) to 1.0 (certain). It looks at types after parsing, never at text.
    :param parse: takes a :class:`Feed` and a :class:`ParseContext` and yields a :class:`Talk` for each
        entry. It only reads: checking, sorting, gaps and zones for display come later. An entry
        it leaves out is reported by :meth:`ParseContext.skip`; a feed it cannot read at all raises
        :class:`FeedError`.
    """

    name: str
    summary: str
    recognise: Callable[[Feed], float]
    parse: Callable[[Feed, ParseContext], Iterable[Talk]]


@hookspec
def register_parsers() -> list[Parser]:  # type: ignore[empty-body]
    """Offer parsers for the feed formats that this plugin understands.

    Return a list of :class:`Parser`::

        @hookimpl
        def register_parsers():
            return [Parser(name="my-conference", summary="…", recognise=recognise, parse=parse)]
    """


@hookspec
def room_aliases() -> dict[str, str]:  # type: ignore[empty-body]
    """Say which names of a feed mean another room.

    Return a mapping from a name as the feed has it to the name that is meant; "" means that the
    name is no room. Blanks are collapsed before names are compared, capitals count::

        @hookimpl
        def room_aliases():
            return {"Roosevelt & Kennedy": "Roosevelt", "Online": ""}
    """


@hookspec
def event_filter(talk: Talk) -> bool | None:
    """Decide whether a talk is shown.

    It is called once for every talk that a parser yields, after the rooms have been mapped and
    before anything is checked or cleaned. Return ``False`` to hide the talk: it is then reported
    as ``not-accepted`` with the name of the plugin; return ``None`` to leave it to others::

        @hookimpl
        def event_filter(talk):
            return False if talk.title.startswith("[internal]") else None
    """


@hookspec
def event_enrich(talk: Talk) -> Talk | None:
    """Change a talk: rename it, add a link, correct its language.

    It is called once for every talk that is not hidden. Return another :class:`Talk`, made by
    :func:`dataclasses.replace`, or ``None`` to leave it as it is::

        @hookimpl
        def event_enrich(talk):
            return replace(talk, title=talk.title.removeprefix("Talk: "))
    """


@hookspec
def notify(changes: Sequence[Change], zones: Mapping[str, ZoneInfo]) -> None:
    """Hear what an import has changed, to tell others.

    It is called once after every import that changed something, in a process of its own that has
    ten seconds; what it raises is logged and changes nothing.

    :param changes: what moved, appeared, vanished or was renamed, in order of time; rooms are ids.
    :param zones: the zone of each room, by room id; ``change.line(zone)`` tells a change in a line.
    """


@hookspec
def notify_incident(incident: Incident, options: Mapping[str, str]) -> None:
    """Hear that something has gone wrong, or is over, to tell the crew.

    ``streaming-system tracker watch`` calls it once when an incident begins and once when it ends,
    in a process of its own that has ten seconds. If it raises, it is called again a little later,
    and the others are not::

        @hookimpl
        def notify_incident(incident, options):
            send(options["plugin.mine.phone"], incident.line)

    :param options: the keys of the tracker's ini that begin with ``plugin.``, with their texts.
    """


@hookspec
def encoder_sources() -> list[StatsSource]:  # type: ignore[empty-body]
    """Offer kinds of streaming servers that the agent can read figures from.

    Return a list of :class:`StatsSource`::

        @hookimpl
        def encoder_sources():
            return [Source(name="my-server", summary="…", options=(), read=read)]
    """

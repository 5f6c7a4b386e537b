"""The hooks a plugin may implement."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import pluggy

from streaming_system.plugin.context import Context
from streaming_system.plugin.feed import Feed
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
    :param parse: takes a :class:`Feed` and a :class:`Context` and yields a :class:`Talk` for each
        entry. It only reads: checking, sorting, gaps and zones for display come later. An entry
        it leaves out is reported by :meth:`Context.skip`; a feed it cannot read at all raises
        :class:`FeedError`.
    """

    name: str
    summary: str
    recognise: Callable[[Feed], float]
    parse: Callable[[Feed, Context], Iterable[Talk]]


@hookspec
def register_parsers() -> list[Parser]:  # type: ignore[empty-body]
    """Offer parsers for the feed formats that this plugin understands.

    Return a list of :class:`Parser`::

        @hookimpl
        def register_parsers():
            return [Parser(name="my-conference", summary="…", recognise=recognise, parse=parse)]
    """

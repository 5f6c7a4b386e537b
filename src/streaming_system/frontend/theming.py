"""The event's theme: its stylesheet, what lies in its folder for browsers, and its templates."""

import hashlib
import logging
from collections.abc import Mapping
from typing import Any

import jinja2
from jinja2 import BaseLoader, ChoiceLoader, FileSystemLoader, PrefixLoader
from pyramid.settings import asbool
from pyramid_jinja2 import PARENT_RELATIVE_DELIM

from streaming_system.theme import Theme, ThemeError, load, stylesheet
from streaming_system.theme.model import PUBLIC_FOLDERS, SCHEMES, builtin_colours
from streaming_system.theme.validate import BASE_PREFIX, BUILTIN_TEMPLATES

log = logging.getLogger(__name__)


class ActiveTheme:
    """A theme as it is sent.

    :ivar version: changes with anything that browsers may keep of it.
    """

    def __init__(self, theme: Theme) -> None:
        self.theme = theme
        self.sheet = stylesheet(theme).encode()
        digest = hashlib.sha256(self.sheet)
        for folder in PUBLIC_FOLDERS:
            for path in sorted((theme.folder / folder).rglob("*")):
                name = path.relative_to(theme.folder).as_posix()
                if found := theme.file(name):
                    digest.update(name.encode() + b"\0" + found[0].read_bytes())
        self.version = digest.hexdigest()[:12]


class ThemeProvider:
    """The theme of the site, if it has one.

    :param named: what the configuration calls it; "" for none.
    :param reloads: read it again for each page, for whoever is writing it.
    :raises ThemeError: with one line for whoever must mend it.
    """

    def __init__(self, named: str, *, reloads: bool = False) -> None:
        self._named = named
        self._reloads = reloads
        self._shown = ActiveTheme(load(named)) if named else None
        for note in self._shown.theme.notes if self._shown else ():
            log.warning("%s", note)

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> "ThemeProvider":
        """Return what the configuration names."""
        return cls(
            settings["conference"].site.theme,
            reloads=asbool(settings.get("pyramid.reload_templates")),
        )

    def current(self) -> ActiveTheme | None:
        """Return the theme; the last good one while somebody is changing it."""
        if self._shown and self._reloads:
            try:
                self._shown = ActiveTheme(load(self._named))
            except ThemeError as error:
                log.error("%s; the theme is shown as it was", error)
        return self._shown


def includeme(config: Any) -> None:
    """Add what a view can ask of its request about the theme, and the theme's templates."""
    themes: ThemeProvider = config.get_settings()["themes"]
    config.registry["themes"] = themes
    config.add_request_method(lambda request: themes.current(), "theme", reify=True)
    config.add_request_method(_theme_path, "theme_path")
    config.add_request_method(_surface_colours, "window_colours")
    shown = themes.current()
    if shown and shown.theme.templates:
        folder = str(shown.theme.templates_folder)

        def prefer() -> None:
            environment = config.get_jinja2_environment()
            environment.loader = ThemeTemplateLoader(folder)

        # After pyramid_jinja2 has made the environment.
        config.action(None, prefer, order=999)


def _theme_path(request: Any, path: str) -> str:
    """Return the address of what lies at a path in the theme's folder."""
    found: str = request.route_path("theme", version=request.theme.version, path=path)
    return found


def _surface_colours(request: Any, surface: str = "surface-1") -> dict[str, str]:
    """Return the colour of a surface by scheme, for what devices paint around a page."""
    colours = request.theme.theme.colours if request.theme else builtin_colours()
    return {scheme: str(colours[scheme][surface].shown) for scheme in SCHEMES}


class ThemeTemplateLoader(BaseLoader):
    """Finds a template in the theme, else among ours; ours are always there as ``site/NAME``.

    pyramid_jinja2's own loader would look beside the template that refers to another first, and so
    ours would never find the theme's.
    """

    def __init__(self, folder: str) -> None:
        ours = FileSystemLoader(BUILTIN_TEMPLATES)
        self._loader = ChoiceLoader(
            [FileSystemLoader(folder), ours, PrefixLoader({BASE_PREFIX.rstrip("/"): ours})]
        )

    def get_source(self, environment: jinja2.Environment, template: str) -> Any:
        """Return a template's text, its file, and what tells whether it is up to date."""
        # Names come with those that refer to them.
        return self._loader.get_source(environment, template.split(PARENT_RELATIVE_DELIM)[0])

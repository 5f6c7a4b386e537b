"""The theme of the event: its stylesheet, public files and templates."""

import hashlib
import logging
from collections.abc import Mapping
from typing import Any

import jinja2
from jinja2 import BaseLoader, ChoiceLoader, FileSystemLoader, PrefixLoader
from pyramid.settings import asbool
from pyramid_jinja2 import PARENT_RELATIVE_DELIM

from streaming_system.theme import Theme, ThemeError, load_theme, render_stylesheet
from streaming_system.theme.model import PUBLIC_FOLDERS, SCHEMES, builtin_colours
from streaming_system.theme.templates import BASE_PREFIX, BUILTIN_TEMPLATES

log = logging.getLogger(__name__)


class ActiveTheme:
    """A theme and its stylesheet.

    :ivar version: a hash of everything that browsers cache.
    """

    def __init__(self, theme: Theme) -> None:
        self.theme = theme
        self.stylesheet = render_stylesheet(theme).encode()
        digest = hashlib.sha256(self.stylesheet)
        for folder in PUBLIC_FOLDERS:
            for path in sorted((theme.folder / folder).rglob("*")):
                name = path.relative_to(theme.folder).as_posix()
                if file := theme.file(name):
                    digest.update(name.encode() + b"\0" + file[0].read_bytes())
        self.version = digest.hexdigest()[:12]


class ThemeProvider:
    """Provides the theme of the site.

    :param name: the configured value; "" for none.
    :param reloads: load it again for each page, for development.
    :raises ThemeError: with a one-line message if the theme is invalid.
    """

    def __init__(self, name: str, *, reloads: bool = False) -> None:
        self._name = name
        self._reloads = reloads
        self._active = ActiveTheme(load_theme(name)) if name else None
        for note in self._active.theme.warnings if self._active else ():
            log.warning("%s", note)

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> "ThemeProvider":
        """Return the provider of the configured theme."""
        return cls(
            settings["conference"].site.theme,
            reloads=asbool(settings.get("pyramid.reload_templates")),
        )

    def get(self) -> ActiveTheme | None:
        """Return the theme; while it is invalid, its last valid version."""
        if self._active and self._reloads:
            try:
                self._active = ActiveTheme(load_theme(self._name))
            except ThemeError as error:
                log.error("%s; pages use the last valid theme", error)
        return self._active


def includeme(config: Any) -> None:
    """Add request methods for the theme, and the theme's templates."""
    themes: ThemeProvider = config.get_settings()["themes"]
    config.registry["themes"] = themes
    config.add_request_method(lambda request: themes.get(), "theme", reify=True)
    config.add_request_method(_theme_path, "theme_path")
    config.add_request_method(_surface_colours, "surface_colours")
    active = themes.get()
    if active and active.theme.templates:
        folder = str(active.theme.templates_folder)

        def set_loader() -> None:
            environment = config.get_jinja2_environment()
            environment.loader = ThemeTemplateLoader(folder)

        # After pyramid_jinja2 has created the environment.
        config.action(None, set_loader, order=999)


def _theme_path(request: Any, path: str) -> str:
    """Return the path of a file of the theme."""
    theme_path: str = request.route_path("theme", version=request.theme.version, path=path)
    return theme_path


def _surface_colours(request: Any, surface: str = "surface-1") -> dict[str, str]:
    """Return the colour of a surface by colour scheme, for the browser's window."""
    colours = request.theme.theme.colours if request.theme else builtin_colours()
    return {scheme: str(colours[scheme][surface].result) for scheme in SCHEMES}


class ThemeTemplateLoader(BaseLoader):
    """Loads a template from the theme, else ours; ``site/NAME`` is always ours.

    pyramid_jinja2's own loader prefers templates next to the referring one, so that our templates
    would never include the theme's.
    """

    def __init__(self, folder: str) -> None:
        builtin = FileSystemLoader(BUILTIN_TEMPLATES)
        self._loader = ChoiceLoader(
            [FileSystemLoader(folder), builtin, PrefixLoader({BASE_PREFIX.rstrip("/"): builtin})]
        )

    def get_source(self, environment: jinja2.Environment, template: str) -> Any:
        """Return a template's text, its file, and a function that returns whether it is current."""
        # The name has the referring template appended.
        return self._loader.get_source(environment, template.split(PARENT_RELATIVE_DELIM)[0])

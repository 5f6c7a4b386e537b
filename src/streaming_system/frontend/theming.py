"""The theme of the event: its stylesheet, public files and templates."""

import hashlib
import logging
from typing import TYPE_CHECKING, Any

import jinja2
from jinja2 import BaseLoader, ChoiceLoader, DictLoader, FileSystemLoader, PrefixLoader
from pyramid.settings import asbool
from pyramid_jinja2 import PARENT_RELATIVE_DELIM

from streaming_system.theme import Theme, ThemeError, load_theme, render_stylesheet
from streaming_system.theme.model import PUBLIC_FOLDERS, SCHEMES, builtin_colours
from streaming_system.theme.templates import BASE_PREFIX, BUILTIN_TEMPLATES

if TYPE_CHECKING:
    from streaming_system.frontend.site_state import SiteState

log = logging.getLogger(__name__)


class ActiveTheme:
    """A theme and its files, in memory: a later version on the disk may be invalid.

    :ivar files: the public files and their media types, by path below the theme's folder.
    :ivar templates: the texts of the templates by name.
    :ivar version: a hash of everything that browsers cache.
    """

    def __init__(self, theme: Theme) -> None:
        self.theme = theme
        self.stylesheet = render_stylesheet(theme).encode()
        self.files: dict[str, tuple[bytes, str]] = {}
        digest = hashlib.sha256(self.stylesheet)
        for folder in PUBLIC_FOLDERS:
            for path in sorted((theme.folder / folder).rglob("*")):
                name = path.relative_to(theme.folder).as_posix()
                if file := theme.file(name):
                    content = file[0].read_bytes()
                    digest.update(name.encode() + b"\0" + content)
                    self.files[name] = content, file[1]
        self.templates = {
            name: (theme.templates_folder / name).read_text(encoding="utf-8")
            for name in theme.templates
        }
        self.version = digest.hexdigest()[:12]


class ThemeProvider:
    """Provides the theme of the site.

    :param active: the loaded theme; ``None`` for none.
    :param name: the configured value.
    :param reloads: load it again for each page, for development.
    """

    def __init__(self, active: ActiveTheme | None, name: str, *, reloads: bool = False) -> None:
        self._name = name
        self._reloads = reloads
        self._active = active

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
    settings = config.get_settings()
    site: SiteState = settings["site_state"]
    reloads = asbool(settings.get("pyramid.reload_templates"))
    themes = ThemeProvider(site.theme, site.conference.site.theme, reloads=reloads)
    config.registry["themes"] = themes
    config.add_request_method(lambda request: themes.get(), "theme", reify=True)
    config.add_request_method(_theme_path, "theme_path")
    config.add_request_method(_surface_colours, "surface_colours")
    active = themes.get()
    if active and active.theme.templates:
        theme_loader: BaseLoader = (
            FileSystemLoader(active.theme.templates_folder)
            if reloads
            else DictLoader(active.templates)
        )

        def set_loader() -> None:
            environment = config.get_jinja2_environment()
            environment.loader = ThemeTemplateLoader(theme_loader)

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

    def __init__(self, theme_loader: BaseLoader) -> None:
        builtin = FileSystemLoader(BUILTIN_TEMPLATES)
        self._loader = ChoiceLoader(
            [theme_loader, builtin, PrefixLoader({BASE_PREFIX.rstrip("/"): builtin})]
        )

    def get_source(self, environment: jinja2.Environment, template: str) -> Any:
        """Return a template's text, its file, and a function that returns whether it is current."""
        # The name has the referring template appended.
        return self._loader.get_source(environment, template.split(PARENT_RELATIVE_DELIM)[0])

"""The values of a checked theme."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from streaming_system.theme.colour import ContrastFix, parse_colour

SCHEMES = ("light", "dark")
# Ours, for what a theme does not say. The same stand in foundation.css, and a test compares.
BUILTIN_COLOURS = {
    "light": {
        "accent": "#1b5a8e",
        "on-accent": "#ffffff",
        "live": "#c8102e",
        "surface-0": "#f6f7f9",
        "surface-1": "#ffffff",
        "surface-2": "#e6e9ee",
        "text": "#15181d",
        "text-quiet": "#464c57",
        "line": "#d5d9e0",
        "focus": "#1b5a8e",
    },
    "dark": {
        "accent": "#8cc4f0",
        "on-accent": "#0b1520",
        "live": "#c8102e",
        "surface-0": "#101216",
        "surface-1": "#191c22",
        "surface-2": "#262a32",
        "text": "#eef0f4",
        "text-quiet": "#b3bac6",
        "line": "#343943",
        "focus": "#8cc4f0",
    },
}
COLOUR_NAMES = tuple(BUILTIN_COLOURS["light"])
# What may lie in a theme's folder for browsers, and what it is.
MEDIA_TYPES = {
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webp": "image/webp",
    ".avif": "image/avif",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
}
PUBLIC_FOLDERS = ("fonts", "pictures")


class ThemeError(Exception):
    """A theme that cannot be used: one line with file, key and what is allowed."""


@dataclass(frozen=True, kw_only=True)
class Font:
    """What a kind of text is set in.

    :param stack: families, the first that a viewer has is taken.
    :param files: those of the first family, by weight, as paths below the theme's folder.
    """

    stack: tuple[str, ...]
    files: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Theme:
    """How an event looks.

    :param folder: where it lies.
    :param colours: by scheme (``light``, ``dark``) and name.
    :param fonts: by what they are for (``text``, ``titles``).
    :param radius: of corners, in px.
    :param logo: the path of a picture below the folder, as the next three; "" for ours.
    :param css: what stands in its stylesheet.
    :param templates: the names of those of ours that it replaces, and of its own.
    :param notes: what an organiser should know, though nothing stops.
    """

    folder: Path
    name: str
    colours: Mapping[str, Mapping[str, ContrastFix]]
    fonts: Mapping[str, Font] = field(default_factory=dict)
    radius: int | None = None
    shadow: bool = True
    logo: str = ""
    favicon: str = ""
    social: str = ""
    pattern: str = ""
    css: str = ""
    templates: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def templates_folder(self) -> Path:
        """Where its templates lie."""
        return self.folder / "templates"

    def file(self, path: str) -> tuple[Path, str] | None:
        """Return a font or picture and its media type; ``None`` where nothing may be served."""
        return find_file(self.folder, path)


def find_file(folder: Path, path: str) -> tuple[Path, str] | None:
    """Return what lies at a path in one of the two folders for browsers, and its media type."""
    parts = path.split("/")
    media_type = MEDIA_TYPES.get(Path(path).suffix.lower())
    plain = all(part and not part.startswith(".") and part.isprintable() for part in parts)
    if (
        parts[0] not in PUBLIC_FOLDERS
        or len(parts) < 2
        or not plain
        or "\\" in path
        or not media_type
    ):
        return None
    found = (folder / path).resolve()
    # A link may lead elsewhere.
    if not found.is_relative_to(folder.resolve()) or not found.is_file():
        return None
    return found, media_type


def builtin_colours() -> dict[str, dict[str, ContrastFix]]:
    """Return our own colours."""
    return {
        scheme: {
            name: ContrastFix(colour)
            for name, text in named.items()
            if (colour := parse_colour(text)) is not None
        }
        for scheme, named in BUILTIN_COLOURS.items()
    }

"""The types of a validated theme."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from streaming_system.theme.colour import ContrastFix, parse_colour

SCHEMES = ("light", "dark")
# Defaults for colours that a theme omits. foundation.css repeats them; a test compares both.
BUILTIN_COLOURS = {
    "light": {
        "accent": "#1b5a8e",
        "on-accent": "#ffffff",
        "live": "#e01b38",
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
        "live": "#e01b38",
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
# The file types that browsers may load from a theme's folder.
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
    """An invalid theme; the message is one line: file, key and allowed values."""


@dataclass(frozen=True, kw_only=True)
class Font:
    """The font of one kind of text.

    :param stack: font families in order of preference.
    :param files: the files of the first family by weight, as paths below the theme's folder.
    """

    stack: tuple[str, ...]
    files: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Theme:
    """A validated theme.

    :param folder: the folder with theme.json.
    :param colours: by scheme (``light``, ``dark``) and name.
    :param fonts: by use (``text``, ``titles``).
    :param radius: the radius of corners, in px.
    :param logo: the path of an image below the folder; "" for the built-in one. The same holds
        for ``favicon``, ``social_image`` (the preview in social networks) and ``pattern``.
    :param css: the content of theme.css.
    :param templates: the names of the theme's templates: replaced built-in ones, and its own.
    :param warnings: problems that organisers should know about, but that stop nothing.
    """

    folder: Path
    name: str
    colours: Mapping[str, Mapping[str, ContrastFix]]
    fonts: Mapping[str, Font] = field(default_factory=dict)
    radius: int | None = None
    shadow: bool = True
    logo: str = ""
    favicon: str = ""
    social_image: str = ""
    pattern: str = ""
    css: str = ""
    templates: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def templates_folder(self) -> Path:
        """The folder of the theme's templates."""
        return self.folder / "templates"

    def file(self, path: str) -> tuple[Path, str] | None:
        """Return a public file and its media type; ``None`` if the path is not public."""
        return find_file(self.folder, path)


def find_file(folder: Path, path: str) -> tuple[Path, str] | None:
    """Return a public file and its media type; ``None`` if the path is not public."""
    parts = path.split("/")
    media_type = MEDIA_TYPES.get(Path(path).suffix.lower())
    is_plain = all(part and not part.startswith(".") and part.isprintable() for part in parts)
    if parts[0] not in PUBLIC_FOLDERS or len(parts) < 2 or not is_plain or "\\" in path:
        return None
    try:
        file = (folder / path).resolve()
        # A symbolic link may point outside the folder.
        is_public = file.is_relative_to(folder.resolve()) and file.is_file()
    except OSError:
        # Such as a name that is longer than the file system allows.
        return None
    return (file, media_type) if media_type and is_public else None


def builtin_colours() -> dict[str, dict[str, ContrastFix]]:
    """Return the built-in colours by scheme and name."""
    return {
        scheme: {
            name: ContrastFix(colour)
            for name, text in colours.items()
            if (colour := parse_colour(text)) is not None
        }
        for scheme, colours in BUILTIN_COLOURS.items()
    }

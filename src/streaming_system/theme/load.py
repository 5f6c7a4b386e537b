"""Reads a theme's folder and checks all that is in it. Nothing in it is executed."""

import difflib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NoReturn

import json5

from streaming_system.theme.colour import (
    ALLOWED_NOTATIONS,
    BLACK,
    WHITE,
    Colour,
    ContrastFix,
    ensure_contrast,
    parse_colour,
)
from streaming_system.theme.model import (
    COLOUR_NAMES,
    MEDIA_TYPES,
    SCHEMES,
    Font,
    Theme,
    ThemeError,
    builtin_colours,
    find_file,
)
from streaming_system.theme.validate import validate_css, validate_templates

EXAMPLES_FOLDER = Path(__file__).parent / "examples"
MAX_FILE_BYTES = 256 * 1024
_KEYS = (
    "name",
    "colours",
    "fonts",
    "radius",
    "shadow",
    "logo",
    "favicon",
    "social",
    "pattern",
)
_FONT_USES = ("text", "titles")
_FONT_FAMILY = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _-]{0,60}", re.ASCII)
_FILE_PATH = re.compile(r"[A-Za-z0-9_./-]+", re.ASCII)
_IMAGE_SUFFIXES = tuple(suffix for suffix in MEDIA_TYPES if suffix != ".woff2")
# What social networks and messengers show.
_BITMAP_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
# The least contrasts: of text, of what is quiet or a link, and of what only has to be seen.
TEXT_CONTRAST, LINK_CONTRAST, UI_CONTRAST = 7.0, 4.5, 3.0


def load(named: str) -> Theme:
    """Read and check a theme.

    :param named: the absolute path of a folder, or the name of one of the examples.
    :raises ThemeError: with one line for whoever must mend it.
    """
    folder = Path(named)
    if not folder.is_absolute():
        folder = EXAMPLES_FOLDER / named
        if named not in example_names():
            raise ThemeError(
                f"there is no built-in theme {named!r:.80}; allowed: {', '.join(example_names())}, or "
                "the path of a folder, such as ./theme"
            )
    if not folder.is_dir():
        raise ThemeError(f"{folder}: is no folder; a theme is a folder with a theme.json")
    return _ThemeLoader(folder).theme()


def example_names() -> list[str]:
    """Return the names of the built-in themes."""
    return sorted(path.parent.name for path in EXAMPLES_FOLDER.glob("*/theme.json"))


class _ThemeLoader:
    """Reads one theme.json. Each of its methods checks what one key says."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "theme.json"
        self.notes: list[str] = []

    def theme(self) -> Theme:
        said = self._object("", self._document(), _KEYS)
        css = self._text_of("theme.css")
        validate_css(self.folder, css)
        return Theme(
            folder=self.folder,
            name=self._name(said.get("name", self.folder.name)),
            colours=self._colours(said.get("colours", {})),
            fonts=self._fonts(said.get("fonts", {})),
            radius=self._radius(said.get("radius")),
            shadow=self._flag("shadow", said.get("shadow", True)),
            logo=self._picture("logo", said.get("logo", "")),
            favicon=self._picture("favicon", said.get("favicon", "")),
            social=self._picture("social", said.get("social", ""), _BITMAP_SUFFIXES),
            pattern=self._picture("pattern", said.get("pattern", "")),
            css=css,
            templates=validate_templates(self.folder),
            notes=tuple(self.notes),
        )

    def _document(self) -> Any:
        try:
            return json5.loads(
                self._text_of("theme.json", needed=True), object_pairs_hook=_unique_object
            )
        except (ValueError, RecursionError) as error:
            complaint = str(error).splitlines()[0] if str(error) else "is nested too deeply"
            complaint = re.sub(r"^<string>:(\d+)", r"line \1:", complaint)
            raise ThemeError(f"{self.path}: {complaint:.200}") from None

    def _text_of(self, name: str, *, needed: bool = False) -> str:
        path = self.folder / name
        if not needed and not path.exists():
            return ""
        try:
            if path.stat().st_size > MAX_FILE_BYTES:
                raise ThemeError(f"{path}: has more than {MAX_FILE_BYTES // 1024} kB")
            return path.read_text(encoding="utf-8")
        except OSError as error:
            raise ThemeError(f"{path}: cannot be read: {error.strerror}") from None
        except UnicodeDecodeError as error:
            raise ThemeError(f"{path}: is not UTF-8 (byte {error.start})") from None

    def _object(self, key: str, value: Any, allowed: Iterable[str]) -> Mapping[str, Any]:
        if not isinstance(value, dict):
            self._refuse(key, f"is {value!r:.80}; allowed: an object: {{…}}")
        for name in value:
            if name not in allowed:
                near = difflib.get_close_matches(name, list(allowed), 1)
                hint = f"did you mean {near[0]!r}? " if near else ""
                self._refuse(
                    f"{key}.{name}" if key else name,
                    f"unknown key; {hint}allowed: {', '.join(allowed)}",
                )
        return value

    def _refuse(self, key: str, complaint: str) -> NoReturn:
        where = f": key {key!r:.120}" if key else ""
        raise ThemeError(f"{self.path}{where}: {complaint}")

    def _name(self, value: Any) -> str:
        if not isinstance(value, str) or not value.isprintable() or not 0 < len(value) <= 80:
            self._refuse("name", f"is {value!r:.80}; allowed: 1 to 80 printable characters")
        return value

    def _flag(self, key: str, value: Any) -> bool:
        if not isinstance(value, bool):
            self._refuse(key, f"is {value!r:.80}; allowed: true or false")
        return value

    def _radius(self, value: Any) -> int | None:
        whole = isinstance(value, int) and not isinstance(value, bool)
        if value is not None and not (whole and 0 <= value <= 32):
            self._refuse("radius", f"is {value!r:.80}; allowed: a whole number of px, 0 to 32")
        return value  # type: ignore[no-any-return]

    def _picture(self, key: str, value: Any, suffixes: tuple[str, ...] = _IMAGE_SUFFIXES) -> str:
        if value in ("", False):
            return ""
        return self._file(key, value, suffixes)

    def _file(self, key: str, value: Any, suffixes: tuple[str, ...]) -> str:
        good = isinstance(value, str) and _FILE_PATH.fullmatch(value)
        if not good or not value.lower().endswith(suffixes):
            self._refuse(
                key,
                f"is {value!r:.80}; allowed: the path of a file in fonts/ or pictures/ that ends "
                f"in {', '.join(suffixes)}",
            )
        if find_file(self.folder, value) is None:
            self._refuse(key, f"there is no file {self.folder / value}")
        return str(value)

    def _fonts(self, value: Any) -> dict[str, Font]:
        return {
            use: self._font(f"fonts.{use}", font)
            for use, font in self._object("fonts", value, _FONT_USES).items()
        }

    def _font(self, key: str, value: Any) -> Font:
        said = self._object(key, value, ("stack", "files"))
        stack = said.get("stack")
        names = stack if isinstance(stack, list) else []
        if not names or not all(isinstance(n, str) and _FONT_FAMILY.fullmatch(n) for n in names):
            self._refuse(
                f"{key}.stack",
                f"is {stack!r:.80}; allowed: a list of families, such as "
                '["Georgia", "serif"], of letters, digits and spaces',
            )
        files = {}
        for weight, path in self._object(
            f"{key}.files", said.get("files", {}), [str(100 * step) for step in range(1, 10)]
        ).items():
            files[int(weight)] = self._file(f"{key}.files.{weight}", path, (".woff2",))
        return Font(stack=tuple(names), files=files)

    def _colours(self, value: Any) -> dict[str, dict[str, ContrastFix]]:
        said = self._object("colours", value, SCHEMES)
        ours = builtin_colours()
        return {
            scheme: self._scheme(scheme, ours[scheme], said.get(scheme, {})) for scheme in SCHEMES
        }

    def _scheme(
        self, scheme: str, ours: dict[str, ContrastFix], value: Any
    ) -> dict[str, ContrastFix]:
        chosen = {
            name: self._colour(f"colours.{scheme}.{name}", text)
            for name, text in self._object(f"colours.{scheme}", value, COLOUR_NAMES).items()
        }
        colours = {name: chosen.get(name, mix.chosen) for name, mix in ours.items()}
        if "focus" not in chosen:
            colours["focus"] = colours["accent"]
        surfaces = [colours[f"surface-{number}"] for number in range(3)]
        mixes = {name: ContrastFix(colour) for name, colour in colours.items()}

        def correct(name: str, beside: list[Colour], least: float, what: str) -> None:
            mix = ensure_contrast(colours[name], beside, least)
            if mix is None:
                self._refuse(
                    f"colours.{scheme}",
                    f"nothing can be read on all of {', '.join(map(str, surfaces))}; allowed: "
                    "surfaces that are all light, or all dark",
                )
            mixes[name] = mix
            if mix.share and name in chosen:
                found = min(colours[name].contrast(other) for other in beside)
                self.notes.append(
                    f"{self.path}: key 'colours.{scheme}.{name}': {colours[name]} has a contrast "
                    f"of {found:.2f}:1 to {what}, {least:g}:1 is the least; "
                    f"shown is {mix.shown} ({mix})"
                )

        correct("text", surfaces, TEXT_CONTRAST, "a surface")
        correct("text-quiet", surfaces, LINK_CONTRAST, "a surface")
        correct("accent", surfaces, LINK_CONTRAST, "a surface")
        correct("focus", surfaces, UI_CONTRAST, "a surface")
        correct("live", [WHITE], LINK_CONTRAST, "the white letters on it")
        accent = mixes["accent"].shown
        if "on-accent" not in chosen and colours["on-accent"].contrast(accent) < LINK_CONTRAST:
            colours["on-accent"] = max(WHITE, BLACK, key=accent.contrast)
        correct("on-accent", [accent], LINK_CONTRAST, "the accent below it")
        return mixes

    def _colour(self, key: str, text: Any) -> Colour:
        colour = parse_colour(text) if isinstance(text, str) and len(text) < 60 else None
        if colour is None:
            self._refuse(key, f"is {text!r:.80}, which is no colour; allowed: {ALLOWED_NOTATIONS}")
        return colour


def _unique_object(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise ValueError(f"the key {key!r:.80} stands twice in one object")
        if key:
            result[key] = value
    return result

"""Loads and validates a theme's folder. No code of the theme is executed."""

import difflib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NoReturn

from streaming_system.theme.colour import (
    ALLOWED_NOTATIONS,
    BLACK,
    WHITE,
    Colour,
    ContrastFix,
    ensure_contrast,
    parse_colour,
)
from streaming_system.theme.css import validate_css
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
from streaming_system.theme.templates import validate_templates
from streaming_system.util.json_document import parse_json5
from streaming_system.util.validation import (
    Field,
    Flag,
    Integer,
    InvalidValueError,
    Nullable,
    PrintableText,
    describe_invalid,
    describe_value,
)

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
_FONT_WEIGHTS = tuple(str(weight) for weight in range(100, 1000, 100))
_FONT_FAMILY = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _-]{0,60}", re.ASCII)
_FILE_PATH = re.compile(r"[A-Za-z0-9_./-]+", re.ASCII)
_RADIUS = Integer(0, 32, allowed="a whole number of px, 0 to 32")
_IMAGE_SUFFIXES = tuple(suffix for suffix in MEDIA_TYPES if suffix != ".woff2")
# The formats that social networks and messengers support.
_BITMAP_SUFFIXES = (".png", ".jpg", ".jpeg")
# Minimum contrast of text (WCAG AAA), of quiet text and links (AA), and of other elements.
TEXT_CONTRAST, LINK_CONTRAST, UI_CONTRAST = 7.0, 4.5, 3.0


def load_theme(name: str) -> Theme:
    """Load and validate a theme.

    :param name: the absolute path of a folder, or the name of a built-in theme.
    :raises ThemeError: if the theme is invalid.
    """
    folder = Path(name)
    if not folder.is_absolute():
        folder = EXAMPLES_FOLDER / name
        if name not in example_names():
            raise ThemeError(
                f"there is no built-in theme {describe_value(name)}; allowed: "
                f"{', '.join(example_names())}, or the path of a folder, such as ./theme"
            )
    if not folder.is_dir():
        raise ThemeError(f"{folder}: is no folder; a theme is a folder with a theme.json")
    return _ThemeLoader(folder).load()


def example_names() -> list[str]:
    """Return the names of the built-in themes."""
    return sorted(path.parent.name for path in EXAMPLES_FOLDER.glob("*/theme.json"))


class _ThemeLoader:
    """Loads one theme."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "theme.json"
        self.warnings: list[str] = []

    def load(self) -> Theme:
        values = self._validate_object("", self._load_json(), _KEYS)
        css = self._load_text("theme.css") if (self.folder / "theme.css").exists() else ""
        validate_css(self.folder, css)
        return Theme(
            folder=self.folder,
            name=self._validate("name", values.get("name", self.folder.name), PrintableText(80)),
            colours=self._parse_colours(values.get("colours", {})),
            fonts=self._parse_fonts(values.get("fonts", {})),
            radius=self._validate("radius", values.get("radius"), Nullable(_RADIUS)),
            shadow=self._validate("shadow", values.get("shadow", True), Flag()),
            logo=self._validate_image("logo", values),
            favicon=self._validate_image("favicon", values),
            social_image=self._validate_image("social", values, _BITMAP_SUFFIXES),
            pattern=self._validate_image("pattern", values),
            css=css,
            templates=validate_templates(self.folder),
            warnings=tuple(self.warnings),
        )

    def _load_json(self) -> Any:
        try:
            return parse_json5(self._load_text("theme.json"))
        except ValueError as error:
            raise ThemeError(f"{self.path}: {error}") from None

    def _load_text(self, name: str) -> str:
        path = self.folder / name
        try:
            if path.stat().st_size > MAX_FILE_BYTES:
                raise ThemeError(f"{path}: has more than {MAX_FILE_BYTES // 1024} kB")
            return path.read_text(encoding="utf-8")
        except OSError as error:
            raise ThemeError(f"{path}: cannot be read: {error.strerror}") from None
        except UnicodeDecodeError as error:
            raise ThemeError(f"{path}: is not UTF-8 (byte {error.start})") from None

    def _fail(self, key: str, message: str) -> NoReturn:
        location = f": key {key!r:.120}" if key else ""
        raise ThemeError(f"{self.path}{location}: {message}")

    def _validate_object(self, key: str, value: Any, allowed: Iterable[str]) -> Mapping[str, Any]:
        if not isinstance(value, dict):
            self._fail(key, describe_invalid(value, "an object: {…}"))
        for name in value:
            if name not in allowed:
                near = difflib.get_close_matches(name, list(allowed), 1)
                hint = f"did you mean {near[0]!r}? " if near else ""
                self._fail(
                    f"{key}.{name}" if key else name,
                    f"unknown key; {hint}allowed: {', '.join(allowed)}",
                )
        return value

    def _validate(self, key: str, value: Any, field: Field) -> Any:
        try:
            return field.validate(value)
        except InvalidValueError as error:
            self._fail(key, describe_invalid(value, error.allowed))

    def _validate_image(
        self, key: str, values: Mapping[str, Any], suffixes: tuple[str, ...] = _IMAGE_SUFFIXES
    ) -> str:
        value = values.get(key, "")
        return "" if value in ("", False) else self._validate_file(key, value, suffixes)

    def _validate_file(self, key: str, value: Any, suffixes: tuple[str, ...]) -> str:
        is_path = isinstance(value, str) and _FILE_PATH.fullmatch(value)
        if not is_path or not value.lower().endswith(suffixes):
            self._fail(
                key,
                describe_invalid(
                    value,
                    f"the path of a file in fonts/ or pictures/ that ends in {', '.join(suffixes)}",
                ),
            )
        if find_file(self.folder, value) is None:
            self._fail(key, f"there is no file {self.folder / value}")
        return str(value)

    def _parse_fonts(self, value: Any) -> dict[str, Font]:
        return {
            use: self._parse_font(f"fonts.{use}", font)
            for use, font in self._validate_object("fonts", value, _FONT_USES).items()
        }

    def _parse_font(self, key: str, value: Any) -> Font:
        values = self._validate_object(key, value, ("stack", "files"))
        stack = values.get("stack")
        names = stack if isinstance(stack, list) else []
        if not names or not all(isinstance(n, str) and _FONT_FAMILY.fullmatch(n) for n in names):
            self._fail(
                f"{key}.stack",
                describe_invalid(
                    stack,
                    'a list of families, such as ["Georgia", "serif"], of letters, digits and '
                    "spaces",
                ),
            )
        files = self._validate_object(f"{key}.files", values.get("files", {}), _FONT_WEIGHTS)
        return Font(
            stack=tuple(names),
            files={
                int(weight): self._validate_file(f"{key}.files.{weight}", path, (".woff2",))
                for weight, path in files.items()
            },
        )

    def _parse_colours(self, value: Any) -> dict[str, dict[str, ContrastFix]]:
        values = self._validate_object("colours", value, SCHEMES)
        builtin = builtin_colours()
        return {
            scheme: self._parse_scheme(scheme, builtin[scheme], values.get(scheme, {}))
            for scheme in SCHEMES
        }

    def _parse_scheme(
        self, scheme: str, builtin: dict[str, ContrastFix], value: Any
    ) -> dict[str, ContrastFix]:
        """Return the colours of a scheme, each with enough contrast to its backgrounds."""
        chosen = {
            name: self._parse_colour(f"colours.{scheme}.{name}", text)
            for name, text in self._validate_object(
                f"colours.{scheme}", value, COLOUR_NAMES
            ).items()
        }
        colours = {name: chosen.get(name, fix.chosen) for name, fix in builtin.items()}
        if "focus" not in chosen:
            colours["focus"] = colours["accent"]
        surfaces = [colours[f"surface-{number}"] for number in range(3)]
        fixes = {name: ContrastFix(colour) for name, colour in colours.items()}

        def fix_contrast(
            name: str, backgrounds: list[Colour], min_contrast: float, description: str
        ) -> None:
            fix = ensure_contrast(colours[name], backgrounds, min_contrast)
            if fix is None:
                self._fail(
                    f"colours.{scheme}",
                    f"nothing can be read on all of {', '.join(map(str, surfaces))}; allowed: "
                    "surfaces that are all light, or all dark",
                )
            fixes[name] = fix
            if fix.share and name in chosen:
                contrast = min(colours[name].contrast(background) for background in backgrounds)
                self.warnings.append(
                    f"{self.path}: key 'colours.{scheme}.{name}': {colours[name]} has a contrast "
                    f"of {contrast:.2f}:1 to {description}, {min_contrast:g}:1 is the minimum; "
                    f"it is replaced by {fix.result} ({fix})"
                )

        fix_contrast("text", surfaces, TEXT_CONTRAST, "a surface")
        fix_contrast("text-quiet", surfaces, LINK_CONTRAST, "a surface")
        fix_contrast("accent", surfaces, LINK_CONTRAST, "a surface")
        fix_contrast("focus", surfaces, UI_CONTRAST, "a surface")
        fix_contrast("live", [WHITE], LINK_CONTRAST, "the white letters on it")
        accent = fixes["accent"].result
        if "on-accent" not in chosen and colours["on-accent"].contrast(accent) < LINK_CONTRAST:
            colours["on-accent"] = max(WHITE, BLACK, key=accent.contrast)
        fix_contrast("on-accent", [accent], LINK_CONTRAST, "the accent below it")
        return fixes

    def _parse_colour(self, key: str, text: Any) -> Colour:
        colour = parse_colour(text) if isinstance(text, str) and len(text) < 60 else None
        if colour is None:
            self._fail(key, describe_invalid(text, ALLOWED_NOTATIONS))
        return colour

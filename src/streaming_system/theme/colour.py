"""Colours as themes write them, and how well they can be told apart.

Contrast is that of WCAG 2.2: https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio and
https://www.w3.org/TR/WCAG22/#dfn-relative-luminance.
"""

import colorsys
import re
from dataclasses import dataclass

_HEX = re.compile(r"#([0-9a-f]{3}|[0-9a-f]{6})", re.ASCII | re.IGNORECASE)
_NUMBER = r"(\d{1,3}(?:\.\d{1,6})?)"
_RGB = re.compile(rf"rgb\( *{_NUMBER}[ ,]+{_NUMBER}[ ,]+{_NUMBER} *\)", re.ASCII | re.IGNORECASE)
_HSL = re.compile(
    rf"hsl\( *{_NUMBER}(?:deg)?[ ,]+{_NUMBER}%[ ,]+{_NUMBER}% *\)", re.ASCII | re.IGNORECASE
)
ALLOWED_NOTATIONS = "#rgb, #rrggbb, rgb(r g b), hsl(h s% l%)"

# In how many steps a colour is led to black or white until it can be read.
MIX_STEPS = 20


@dataclass(frozen=True)
class Colour:
    """An opaque colour of the sRGB space; each part is from 0 to 1."""

    red: float
    green: float
    blue: float

    @property
    def luminance(self) -> float:
        """How bright it is, from 0 (black) to 1 (white)."""
        red, green, blue = (
            part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
            for part in (self.red, self.green, self.blue)
        )
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    def contrast(self, other: "Colour") -> float:
        """Return how well two colours can be told apart, from 1 (not at all) to 21."""
        lighter, darker = sorted((self.luminance, other.luminance), reverse=True)
        return (lighter + 0.05) / (darker + 0.05)

    def mixed(self, other: "Colour", share: float) -> "Colour":
        """Return the colour with a share of another, as ``color-mix(in srgb, …)`` mixes them."""
        return Colour(
            self.red + (other.red - self.red) * share,
            self.green + (other.green - self.green) * share,
            self.blue + (other.blue - self.blue) * share,
        )

    def __str__(self) -> str:
        """Return it as stylesheets have it."""
        parts = (round(255 * part) for part in (self.red, self.green, self.blue))
        return "#" + "".join(f"{part:02x}" for part in parts)


BLACK, WHITE = Colour(0, 0, 0), Colour(1, 1, 1)


def parse_colour(text: str) -> Colour | None:
    """Return the colour that a text names; ``None`` if it names none that can be computed with."""
    if found := _HEX.fullmatch(text):
        digits = found[1] if len(found[1]) == 6 else "".join(digit * 2 for digit in found[1])
        return Colour(*(int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)))
    if found := _RGB.fullmatch(text):
        return _round_to_8_bits(*(float(part) / 255 for part in found.groups()))
    if found := _HSL.fullmatch(text):
        hue, saturation, lightness = (float(part) for part in found.groups())
        if hue <= 360 and saturation <= 100 and lightness <= 100:
            return _round_to_8_bits(
                *colorsys.hls_to_rgb(hue / 360, lightness / 100, saturation / 100)
            )
    return None


def _round_to_8_bits(*parts: float) -> Colour | None:
    """Return the colour as it can be written with six digits."""
    return Colour(*(round(255 * part) / 255 for part in parts)) if max(parts) <= 1 else None


@dataclass(frozen=True)
class ContrastFix:
    """A colour as a stylesheet has it: as it was chosen, or led as far as needed to a pole.

    :param share: how much of the pole there is in it, in per cent; 0 where nothing had to be done.
    """

    chosen: Colour
    pole: Colour = BLACK
    share: int = 0

    @property
    def shown(self) -> Colour:
        """What viewers see."""
        return self.chosen.mixed(self.pole, self.share / 100)

    def __str__(self) -> str:
        """Return it as stylesheets have it."""
        if not self.share:
            return str(self.chosen)
        return f"color-mix(in srgb, {self.chosen}, {self.pole} {self.share}%)"


def ensure_contrast(chosen: Colour, beside: list[Colour], least: float) -> ContrastFix | None:
    """Return the colour changed as little as needed to be read on others.

    :param least: the least contrast to each of the others.
    :return: ``None`` where neither black nor white would do.
    """
    for step in range(MIX_STEPS + 1):
        for pole in (BLACK, WHITE):
            mix = ContrastFix(chosen, pole, 100 * step // MIX_STEPS)
            # Browsers may round what they mix.
            needed = least + 0.02 if step else least
            if all(mix.shown.contrast(other) >= needed for other in beside):
                return mix
    return None

"""Colours of themes, and their contrast.

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

# A contrast fix mixes black or white into a colour in steps of 1/20.
MIX_STEPS = 20


@dataclass(frozen=True)
class Colour:
    """An opaque sRGB colour; each channel is from 0 to 1."""

    red: float
    green: float
    blue: float

    @property
    def luminance(self) -> float:
        """The relative luminance, from 0 (black) to 1 (white)."""
        red, green, blue = (
            channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4
            for channel in (self.red, self.green, self.blue)
        )
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    def contrast(self, other: "Colour") -> float:
        """Return the contrast ratio of two colours, from 1 (equal) to 21."""
        lighter, darker = sorted((self.luminance, other.luminance), reverse=True)
        return (lighter + 0.05) / (darker + 0.05)

    def mix(self, other: "Colour", share: float) -> "Colour":
        """Return the colour with a share of another, as ``color-mix(in srgb, …)`` mixes them."""
        return Colour(
            self.red + (other.red - self.red) * share,
            self.green + (other.green - self.green) * share,
            self.blue + (other.blue - self.blue) * share,
        )

    def __str__(self) -> str:
        """Return the colour as ``#rrggbb``."""
        channels = (round(255 * channel) for channel in (self.red, self.green, self.blue))
        return "#" + "".join(f"{channel:02x}" for channel in channels)


BLACK, WHITE = Colour(0, 0, 0), Colour(1, 1, 1)


def parse_colour(text: str) -> Colour | None:
    """Return the colour that a text specifies; ``None`` for an unsupported notation."""
    if match := _HEX.fullmatch(text):
        digits = match[1] if len(match[1]) == 6 else "".join(digit * 2 for digit in match[1])
        return Colour(*(int(digits[start : start + 2], 16) / 255 for start in (0, 2, 4)))
    if match := _RGB.fullmatch(text):
        return _round_to_8_bits(*(float(channel) / 255 for channel in match.groups()))
    if match := _HSL.fullmatch(text):
        hue, saturation, lightness = (float(number) for number in match.groups())
        if hue <= 360 and saturation <= 100 and lightness <= 100:
            return _round_to_8_bits(
                *colorsys.hls_to_rgb(hue / 360, lightness / 100, saturation / 100)
            )
    return None


def _round_to_8_bits(*channels: float) -> Colour | None:
    """Return the nearest colour with 8 bits per channel."""
    if max(channels) > 1:
        return None
    return Colour(*(round(255 * channel) / 255 for channel in channels))


@dataclass(frozen=True)
class ContrastFix:
    """A theme's colour, mixed with black or white as far as its contrast requires.

    :param share: the share of the pole (black or white), in per cent; 0 for an unchanged colour.
    """

    chosen: Colour
    pole: Colour = BLACK
    share: int = 0

    @property
    def result(self) -> Colour:
        """The colour that viewers see."""
        return self.chosen.mix(self.pole, self.share / 100)

    def __str__(self) -> str:
        """Return the colour as CSS."""
        if not self.share:
            return str(self.chosen)
        return f"color-mix(in srgb, {self.chosen}, {self.pole} {self.share}%)"


def ensure_contrast(
    chosen: Colour, backgrounds: list[Colour], min_contrast: float
) -> ContrastFix | None:
    """Return the smallest change that gives a colour enough contrast.

    :param backgrounds: the colours that the contrast is measured to.
    :return: ``None`` if neither black nor white has enough contrast.
    """
    for step in range(MIX_STEPS + 1):
        for pole in (BLACK, WHITE):
            fix = ContrastFix(chosen, pole, 100 * step // MIX_STEPS)
            # Browsers may round mixed colours.
            needed = min_contrast + 0.02 if step else min_contrast
            if all(fix.result.contrast(background) >= needed for background in backgrounds):
                return fix
    return None

"""The stylesheet of a theme: theme.json as custom properties, then theme.css in the last layer."""

from streaming_system.theme.model import COLOUR_NAMES, Theme

# Generic families are keywords; quotes would make them names of fonts.
GENERIC_FAMILIES = frozenset(
    [
        "serif",
        "sans-serif",
        "monospace",
        "cursive",
        "fantasy",
        "system-ui",
        "ui-serif",
        "ui-sans-serif",
        "ui-monospace",
        "ui-rounded",
        "math",
        "emoji",
    ]
)
_FONT_PROPERTIES = {"text": "--font", "titles": "--font-titles"}


def render_stylesheet(theme: Theme) -> str:
    """Return the stylesheet. Its URLs are relative to ``fonts/`` and ``pictures/``."""
    light, dark = theme.colours["light"], theme.colours["dark"]
    tokens = [f"--{name}: light-dark({light[name]}, {dark[name]});" for name in COLOUR_NAMES]
    faces = []
    for use, font in theme.fonts.items():
        stack = ", ".join(name if name in GENERIC_FAMILIES else f'"{name}"' for name in font.stack)
        tokens.append(f"{_FONT_PROPERTIES[use]}: {stack};")
        faces += [
            f'@font-face {{ font-family: "{font.stack[0]}"; font-weight: {weight}; '
            f'font-display: swap; src: url("{path}") format("woff2"); }}'
            for weight, path in font.files.items()
        ]
    if theme.radius is not None:
        tokens.append(f"--radius: {theme.radius}px;")
    if not theme.shadow:
        tokens.append("--shadow: none;")
    rules = [
        *dict.fromkeys(faces),
        "@layer tokens { :root { " + " ".join(tokens) + " } }",
    ]
    if theme.pattern:
        rules.append(f'@layer theme {{ .pattern {{ background-image: url("{theme.pattern}"); }} }}')
    return "\n".join([*rules, "@layer theme {", theme.css, "}", ""])

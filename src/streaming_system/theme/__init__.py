"""The look of an event: a folder with theme.json, a stylesheet, fonts, pictures and templates."""

from streaming_system.theme.loader import EXAMPLES_FOLDER, load_theme
from streaming_system.theme.model import Theme, ThemeError
from streaming_system.theme.stylesheet import render_stylesheet

__all__ = ["EXAMPLES_FOLDER", "Theme", "ThemeError", "load_theme", "render_stylesheet"]

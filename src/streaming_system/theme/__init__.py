"""How an event looks: a folder with a theme.json, a stylesheet, fonts, pictures and templates."""

from streaming_system.theme.load import EXAMPLES_FOLDER, load
from streaming_system.theme.model import Theme, ThemeError
from streaming_system.theme.stylesheet import stylesheet

__all__ = ["EXAMPLES_FOLDER", "Theme", "ThemeError", "load", "stylesheet"]

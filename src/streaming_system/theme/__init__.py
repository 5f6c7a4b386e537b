"""How an event looks: a folder with a theme.json, a stylesheet, fonts, pictures and templates."""

from streaming_system.theme.load import EXAMPLES, load
from streaming_system.theme.model import Theme, ThemeError
from streaming_system.theme.stylesheet import stylesheet

__all__ = ["EXAMPLES", "Theme", "ThemeError", "load", "stylesheet"]

"""The stylesheets and the script that all pages of a site share, those of the tracker included."""

from pathlib import Path

SHELL_FOLDER = Path(__file__).parent.parent / "frontend/static"
SHELL_STYLESHEETS = ("foundation.css", "site.css", "crew.css")
SHELL_SCRIPT = "color-scheme.js"
# Any version of the address is the current stylesheet, which browsers then cache for a minute.
THEME_STYLESHEET_PATH = "theme/current/style.css"

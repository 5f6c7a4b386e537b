"""Configuration of the documentation's site: ``make docs``."""

from importlib.metadata import version as installed_version

project = "Streaming system"
version = release = installed_version("streaming-system")
extensions = ["myst_parser"]
html_theme = "furo"
html_title = f"{project} {version}"
html_show_copyright = False
# GitHub's anchors of headings, so that the files can be read there, too.
myst_heading_anchors = 4
nitpicky = True

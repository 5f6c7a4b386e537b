"""What the pages of the tracker share with those of the frontend: header, stylesheets and theme.

The title, the logo and the theme are those of the site. The logo and the theme's stylesheet come
from the frontend; without it, the pages only lack these two.
"""

from typing import Any
from urllib.parse import urljoin

from streaming_system.theme.shell import (
    SHELL_FOLDER,
    SHELL_SCRIPT,
    SHELL_STYLESHEETS,
    THEME_STYLESHEET_PATH,
)
from streaming_system.util.validation import csp_source


class SiteShell:
    """The shell of the pages, for one request.

    :ivar home: the URL of the frontend, with a slash at the end.
    :ivar title: the name of the site.
    :ivar logo: the URL of the logo.
    :ivar theme: the URL of the theme's stylesheet; "" without a theme.
    :ivar stylesheets: the paths of the shared stylesheets, in the order of the cascade.
    :ivar script: the path of the script that applies the colour scheme.
    """

    def __init__(self, request: Any) -> None:
        conference = request.conference
        self.home = request.registry.settings["frontend.url"].rstrip("/") + "/"
        self.title = conference.title or "Live streams"
        self.logo = urljoin(self.home, conference.default.logo or "brand/logo")
        self.theme = f"{self.home}{THEME_STYLESHEET_PATH}" if conference.site.theme else ""
        self.stylesheets = [_file_path(request, name) for name in SHELL_STYLESHEETS]
        self.script = _file_path(request, SHELL_SCRIPT)

    def content_security_policy(self, *directives: str) -> str:
        """Return the policy of a page: it loads its own files, and those of the frontend.

        :param directives: more of them, such as ``connect-src 'self'``.
        """
        home, logo = csp_source(self.home), csp_source(self.logo)
        return "; ".join(
            (
                "default-src 'none'",
                _directive("style-src 'self'", home),
                *directives,
                _directive("img-src 'self' data:", home, logo),
                _directive("font-src 'self'", home),
                "script-src 'self'",
                "base-uri 'none'",
            )
        )


def includeme(config: Any) -> None:
    """Add ``request.shell``."""
    config.add_request_method(SiteShell, "shell", reify=True)


def allow_live_page(request: Any) -> None:
    """Set the policy of a page whose script polls it for changes, and that this site may frame."""
    request.response.headers["Content-Security-Policy"] = request.shell.content_security_policy(
        "connect-src 'self'", "frame-ancestors 'self'"
    )


def _file_path(request: Any, name: str) -> str:
    path: str = request.static_path(str(SHELL_FOLDER / name))
    return path


def _directive(*sources: str) -> str:
    return " ".join(dict.fromkeys(filter(None, sources)))

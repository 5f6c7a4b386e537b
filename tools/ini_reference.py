"""The page docs/reference/ini-keys.md: the keys of the site's ini file."""

from collections.abc import Iterator, Mapping

from markdown_table import format_table

from streaming_system.config.ini_keys import COMMON_KEYS, FRONTEND_KEYS
from streaming_system.tracker.ini_keys import ini_keys
from streaming_system.util.ini_key import ANY_TEXT, IniKey
from streaming_system.util.validation import Flag
from streaming_system.web.server_settings import OWN_KEYS

_INTRODUCTION = """# Keys of the ini file

An unknown key or section and a wrong value stop the start with one line;
[`config check`](configuration.md#checking-it) finds all of them. A key of your own is allowed in
`[DEFAULT]` if a value refers to it (`%(key)s`), and in an app's section with the prefix of its
library or `plugin.`. Flags are `true` or `false`.
"""
_SERVER_NOTE = """The other keys of a server are those of
[waitress](https://docs.pylonsproject.org/projects/waitress/en/stable/arguments.html).
"""


def format_ini_keys() -> Iterator[str]:
    """Return the lines of the page."""
    yield _INTRODUCTION
    yield "## `[DEFAULT]`\n"
    yield "Both apps and the commands read these keys.\n"
    yield from _format_keys(COMMON_KEYS)
    yield "## `[app:frontend]`\n"
    yield from _format_keys(FRONTEND_KEYS)
    yield "## `[app:tracker]`\n"
    tracker_keys = ini_keys()
    yield from _format_keys(
        {name: key for name, key in tracker_keys.items() if name not in COMMON_KEYS}
    )
    yield "## `[server:…]`\n"
    yield _SERVER_NOTE
    yield from _format_keys(OWN_KEYS)


def _format_keys(keys: Mapping[str, IniKey]) -> Iterator[str]:
    rows = (
        (
            f"`{name}`",
            key.meaning + _format_link(key.see),
            "" if key.field is ANY_TEXT or isinstance(key.field, Flag) else key.field.allowed,
            f"`{key.default}`" if key.default else "",
        )
        for name, key in keys.items()
    )
    yield from format_table(("key", "meaning", "allowed", "default"), rows)


def _format_link(path: str) -> str:
    """Return a link to a document of docs/, from docs/reference/."""
    if not path:
        return ""
    folder, _, name = path.partition("/")
    address = name if folder == "reference" else f"../{path}"
    return f" ([{name.partition('#')[0]}]({address}))"

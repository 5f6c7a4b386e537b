"""Pyramid's command ``pserve``, with one line instead of a traceback for a wrong command line.

The package installs it under the same name. It checks what the command names, and calls Pyramid's.
"""

import configparser
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import plaster
from paste.deploy import loadwsgi
from pyramid.scripts import pserve
from pyramid.scripts.common import parse_vars

from streaming_system.util.suggestions import did_you_mean
from streaming_system.web.server_settings import check_server_settings

BYTE_ORDER_MARK = "\ufeff"
_APP_KINDS = ("app", "application", "composite", "composit", "pipeline", "filter-app")


def main(argv: Sequence[str] | None = None) -> int | None:
    """Serve the app that the command line names; return the exit status."""
    argv = list(sys.argv if argv is None else argv)
    if problem := find_problem(argv) or _find_broken_logging(argv):
        print(problem, file=sys.stderr)  # noqa: T201 - It is the output of the command.
        return 1
    status: int | None = pserve.main(argv)
    return status


def find_problem(argv: Sequence[str]) -> str:
    """Return why the command cannot start, in one line; "" if nothing is wrong with it."""
    args = pserve.PServeCommand.parser.parse_args(list(argv)[1:])
    if not args.config_uri:
        return ""
    try:
        variables = parse_vars(args.config_vars)
        loader = plaster.get_loader(args.config_uri, protocols=["wsgi"])
        sections = set(loader.get_sections())
        name = loader.uri.fragment or "main"
        app, server = args.app_name or name, args.server_name or name
        found = [kind for kind in _APP_KINDS if f"{kind}:{app}" in sections]
        if not found:
            return _describe_missing(loader.uri.path, "app", app, sections)
        if not args.server and f"server:{server}" not in sections:
            return _describe_missing(loader.uri.path, "server", server, sections)
        loader.get_settings(f"{found[0]}:{app}", variables)
        settings = loader.get_settings(f"server:{server}", variables)
        problem = _find_server_problem(settings)
        if problem:
            return f"{loader.uri.path}: [server:{server}]: {problem}"
        return _find_broken_factory(loader, app, variables)
    except FileNotFoundError as error:
        return f"{error.filename}: there is no such file; name the ini file"
    except configparser.InterpolationMissingOptionError as error:
        return (
            f"{args.config_uri}: [{error.section}]: key {error.option!r} refers to "
            f"%({error.reference})s; set it there or in the command: {error.reference}=VALUE"
        )
    except configparser.InterpolationSyntaxError as error:
        return (
            f"{args.config_uri}: [{error.section}]: key {error.option!r} has a % that begins no "
            "reference such as %(here)s; write %%"
        )
    except UnicodeDecodeError as error:
        return f"{args.config_uri}: is not UTF-8 (byte {error.start}); save it in this encoding"
    except configparser.MissingSectionHeaderError as error:
        if error.line.startswith(BYTE_ORDER_MARK):
            return f"{args.config_uri}: begins with a byte order mark; save it as UTF-8 without one"
        return f"{args.config_uri}: {_join_lines(error)}"
    except configparser.DuplicateOptionError as error:
        return (
            f"{args.config_uri}: line {error.lineno}: [{error.section}]: key {error.option!r} is "
            "there twice; remove one"
        )
    except (configparser.Error, plaster.PlasterError, OSError, ValueError) as error:
        return f"{args.config_uri}: {_join_lines(error)}"


def _find_server_problem(settings: Mapping[str, str]) -> str:
    """Return what is wrong with the settings of our server; "" for other servers."""
    if not settings.get("use", "").endswith("streaming-system#server"):
        return ""
    for key, problem in check_server_settings(settings).items():
        return f"key {key!r} {problem}" if key else problem
    return ""


def _find_broken_factory(loader: Any, app: str, variables: Mapping[str, str]) -> str:
    """Return which section that the app needs is missing, or names code that is not installed."""
    path, sections = loader.uri.path, set(loader.get_sections())
    names, visited = [app], set()
    while names:
        name = names.pop()
        section = next(
            (f"{kind}:{name}" for kind in (*_APP_KINDS, "filter") if f"{kind}:{name}" in sections),
            "",
        )
        if not section:
            return _describe_missing(path, "app", name, sections)
        if section in visited:
            continue
        visited.add(section)
        kind = loadwsgi.FILTER if section.startswith("filter:") else loadwsgi.APP
        settings = loader.get_settings(section, variables)
        try:
            loadwsgi.loadcontext(kind, f"config:{loader.filepath}", name, global_conf=variables)
        except (LookupError, ImportError) as error:
            used = settings.get("use", "no key use")
            return f"{path}: [{section}]: use = {used} cannot be loaded: {_join_lines(error):.200}"
        names.extend(_names_of_parts(section, settings))
    return ""


def _names_of_parts(section: str, settings: Mapping[str, str]) -> Iterator[str]:
    """Yield the names of the apps and filters that a composite or a pipeline consists of."""
    if section.startswith("compos"):
        yield from (name for key, name in settings.items() if key.startswith("/"))
    elif section.startswith("pipeline:"):
        yield from settings.get("pipeline", "").split()


def _find_broken_logging(argv: Sequence[str]) -> str:
    """Return why logging cannot be configured; "" if it now is."""
    args = pserve.PServeCommand.parser.parse_args(list(argv)[1:])
    if not args.config_uri:
        return ""
    loader = plaster.get_loader(args.config_uri, protocols=["wsgi"])
    try:
        loader.setup_logging(parse_vars(args.config_vars))
    except Exception as error:
        # Handlers are any code, with any argument.
        return (
            f"{loader.uri.path}: the sections of logging are wrong: {_join_lines(error):.200}; "
            "correct [loggers], [handlers], [formatters] and the sections that they name"
        )
    return ""


def _join_lines(error: Exception) -> str:
    return " ".join((str(error) or type(error).__name__).split())


def _describe_missing(path: str, kind: str, name: str, sections: set[str]) -> str:
    kinds = _APP_KINDS if kind == "app" else (kind,)
    names = sorted(
        section.partition(":")[2] for section in sections if section.partition(":")[0] in kinds
    )
    hint = did_you_mean(name, names)
    return f"{path}: has no section [{kind}:{name}]; {hint}allowed: {', '.join(names)}"


if __name__ == "__main__":
    sys.exit(main())

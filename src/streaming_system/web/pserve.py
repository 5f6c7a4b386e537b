"""Pyramid's command ``pserve``, with one line instead of a traceback for a wrong command line.

The package installs it under the same name. It checks what the command names, and calls Pyramid's.
"""

import configparser
import sys
from collections.abc import Sequence

import plaster
from pyramid.scripts import pserve
from pyramid.scripts.common import parse_vars

from streaming_system.util.suggestions import did_you_mean

_APP_KINDS = ("app", "application", "composite", "composit", "pipeline", "filter-app")


def main(argv: Sequence[str] | None = None) -> int | None:
    """Serve the app that the command line names; return the exit status."""
    argv = list(sys.argv if argv is None else argv)
    if problem := find_problem(argv):
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
        for section in (f"{found[0]}:{app}", f"server:{server}"):
            loader.get_settings(section, variables)
    except FileNotFoundError as error:
        return f"{error.filename}: there is no such file; name the ini file"
    except configparser.InterpolationMissingOptionError as error:
        return (
            f"{args.config_uri}: [{error.section}]: key {error.option!r} refers to "
            f"%({error.reference})s; set it there or in the command: {error.reference}=VALUE"
        )
    except (configparser.Error, plaster.PlasterError, OSError, ValueError) as error:
        return f"{args.config_uri}: {' '.join(str(error).split())}"
    return ""


def _describe_missing(path: str, kind: str, name: str, sections: set[str]) -> str:
    kinds = _APP_KINDS if kind == "app" else (kind,)
    names = sorted(
        section.partition(":")[2] for section in sections if section.partition(":")[0] in kinds
    )
    hint = did_you_mean(name, names)
    return f"{path}: has no section [{kind}:{name}]; {hint}allowed: {', '.join(names)}"


if __name__ == "__main__":
    sys.exit(main())

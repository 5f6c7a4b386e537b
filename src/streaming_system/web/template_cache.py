"""Templates that have been compiled stay beside the code, as Python's own modules do."""

import importlib.util
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import jinja2
from jinja2.bccache import Bucket
from pyramid.config import Configurator
from pyramid.path import AssetResolver


class Compiled(jinja2.FileSystemBytecodeCache):
    """Compiled templates, in the folder of Python's own compiled modules.

    They are read wherever they fit their template, and written where that is allowed: a service
    that may not write compiles its templates at each start, unless :func:`compile_templates` was
    called when it was installed.

    :param must: that it is a fault if they cannot be kept.
    """

    def __init__(self, *, must: bool = False) -> None:
        super().__init__(str(Path(importlib.util.cache_from_source(__file__)).parent))
        self._must = must
        self._ours = f"{Path(__file__).parent.parent}{os.sep}"

    def get_cache_key(self, name: str, filename: str | None = None) -> str:
        """Return what a template is known by: its file, whoever refers to it by whatever name."""
        # An installation may be reached by more than one path.
        return super().get_cache_key((filename or name).removeprefix(self._ours))

    def get_source_checksum(self, source: str) -> str:
        """Return what changes with a template's text, and with the compiler."""
        return super().get_source_checksum(f"{jinja2.__version__} {source}")

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep what was compiled.

        :raises OSError: if it must be kept and cannot.
        """
        if self._must:
            Path(self.directory).mkdir(exist_ok=True)
            super().dump_bytecode(bucket)
        elif not sys.dont_write_bytecode:
            with suppress(OSError):
                super().dump_bytecode(bucket)


def include_templates(config: Any, compiled: Compiled | None = None) -> None:
    """Let an app render ``.jinja2``, from templates that were compiled before."""
    config.add_settings({"jinja2.bytecode_caching": compiled or Compiled()})
    config.include("pyramid_jinja2")


def compile_templates(package: str, settings: Mapping[str, str]) -> int:
    """Compile all templates of an app; return how many there are.

    :param package: the app's.
    :param settings: those of the app that begin with ``jinja2.``.
    :raises OSError: if they cannot be kept.
    """
    compiled = Compiled(must=True)
    with Configurator(settings=dict(settings)) as config:
        include_templates(config, compiled)
    environment = config.get_jinja2_environment()
    folder = Path(AssetResolver().resolve(f"{package}:templates").abspath())
    templates = sorted(folder.rglob("*.jinja2"))
    for path in templates:
        environment.get_template(str(path))
    # Jinja writes them for their owner alone, and it is not the owner who serves the site.
    for kept in Path(compiled.directory).glob(compiled.pattern % "*"):
        kept.chmod(0o644)
    return len(templates)

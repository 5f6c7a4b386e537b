"""How a process runs: the keys of the ini file."""

import configparser
from collections.abc import Mapping
from pathlib import Path

import plaster


class SettingsError(Exception):
    """An ini file that cannot be used, with one line that says why."""


def load_app_settings(ini: Path, app: str) -> Mapping[str, str]:
    """Return what the ini says to one of its apps: ``[DEFAULT]``, and ``[app:…]`` over it.

    :raises SettingsError: if the file cannot be read or has no such app.
    """
    if not ini.is_file():
        raise SettingsError(f"{ini}: there is no such file; name the ini file with -c")
    try:
        loader = plaster.get_loader(str(ini), protocols=["wsgi"])
        if f"app:{app}" not in loader.get_sections():
            raise SettingsError(f"{ini}: has no section [app:{app}]")
        settings = loader.get_settings(f"app:{app}")
        return {**settings.global_conf, **settings}
    except (plaster.PlasterError, configparser.Error, ValueError, OSError) as error:
        raise SettingsError(f"{ini}: {str(error).splitlines()[0]}") from None


def require(settings: Mapping[str, str], key: str) -> str:
    """Return the value of a key that has no default.

    :raises SettingsError: if the ini lacks it.
    """
    try:
        return settings[key]
    except KeyError:
        raise SettingsError(f"the ini file lacks the key {key}") from None

"""Settings: the keys of the ini file."""

import configparser
from collections.abc import Mapping
from pathlib import Path

import plaster
from plaster_pastedeploy import Loader

from streaming_system.util.renamed_settings import find_renamed_setting


class SettingsError(Exception):
    """An invalid ini file; the message is one line."""


def load_app_settings(ini: Path, app: str) -> Mapping[str, str]:
    """Return the settings of one app: ``[DEFAULT]``, overridden by ``[app:…]``.

    :raises SettingsError: if the file cannot be parsed or has no such app.
    """
    if not ini.is_file():
        raise SettingsError(f"{ini}: there is no such file; name the ini file with -c")
    try:
        # plaster.get_loader() searches all installed packages for a loader: 60 ms.
        loader = Loader(plaster.parse_uri(str(ini)))
        if f"app:{app}" not in loader.get_sections():
            raise SettingsError(f"{ini}: has no section [app:{app}]")
        section = loader.get_settings(f"app:{app}")
        settings = {**section.global_conf, **section}
    except (plaster.PlasterError, configparser.Error, ValueError, OSError) as error:
        raise SettingsError(f"{ini}: {str(error).splitlines()[0]}") from None
    if renamed := find_renamed_setting(settings):
        raise SettingsError(f"{ini}: {renamed}")
    return settings


def require(settings: Mapping[str, str], key: str) -> str:
    """Return the value of a mandatory key.

    :raises SettingsError: if the ini file lacks the key.
    """
    try:
        return settings[key]
    except KeyError:
        raise SettingsError(f"the ini file lacks the key {key}") from None

"""The pages for viewers. They need the configuration and one schedule file."""

from typing import Any

from streaming_system.config import ConfigError
from streaming_system.config.ini_file import require_valid_ini
from streaming_system.config.ini_keys import FRONTEND_KEYS
from streaming_system.frontend.live_site import LiveSite
from streaming_system.net.ssrf import NetworkSettingError, parse_allowed_networks
from streaming_system.util.renamed_settings import find_renamed_setting


def main(global_config: dict[str, str], **local: str) -> LiveSite:
    """Return the frontend WSGI application.

    :raises SystemExit: with one line for each error, if the configuration is invalid.
    """
    settings: dict[str, Any] = {**global_config, **local}
    if renamed := find_renamed_setting(settings):
        raise SystemExit(renamed)
    try:
        require_valid_ini(settings, "frontend", FRONTEND_KEYS)
        networks = parse_allowed_networks(settings)
    except (ConfigError, NetworkSettingError) as error:
        raise SystemExit(str(error)) from None
    if not settings.get("schedule.file"):
        raise SystemExit("the ini file lacks the key schedule.file in [DEFAULT]")
    settings.setdefault("tracker.url", "/tracker")
    settings.setdefault("push.url", "")
    return LiveSite(settings, networks)

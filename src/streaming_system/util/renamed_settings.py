"""Keys of the ini files that were renamed. The programs refuse the old names."""

from collections.abc import Mapping
from typing import Any

RENAMED_SETTINGS: Mapping[str, str] = {
    "answers.kept": "response_cache.enabled",
    "keep.minutes": "retention.minutes_days",
    "keep.raw": "retention.samples_hours",
    "keep.tens": "retention.ten_minutes_days",
    "outbound.private": "outbound.allowed_private_networks",
    "report.longest": "ingest.max_interval",
    "report.rate": "ingest.target_rate",
    "report.shortest": "ingest.min_interval",
    "report.together": "ingest.max_batch",
}


def find_renamed_setting(settings: Mapping[str, Any]) -> str | None:
    """Return an error message for the first old name in the settings, ``None`` if there is none."""
    for old, new in RENAMED_SETTINGS.items():
        if old in settings:
            return f"{old} in the ini file has a new name: use {new}"
    return None

"""Checks that the file system of a folder has free space."""

import os

from streaming_system.agent.config_section import ConfigSection
from streaming_system.agent.supervisor.check_result import CheckResult, check_error, happy
from streaming_system.agent.supervisor.check_tools import CheckTools
from streaming_system.util.validation import ByteSize, InvalidValueError, Number

DEFAULT_FREE = "5%"
# A file system without free file entries is full, too.
MIN_FREE_FILES_SHARE = 0.01
_ALLOWED = "a share such as 5%, or a size such as 10G"


class DiskCheck:
    """Measures the free space for the files of segments or recordings."""

    def __init__(self, section: ConfigSection, tools: CheckTools) -> None:
        path = section.path("path")
        if path is None:
            raise section.error("path", "", "the folder of the segments or recordings")
        self._path = path
        text = section.text("free", DEFAULT_FREE)
        try:
            if text.endswith("%"):
                share = Number(0.1, 99).parse(text.removesuffix("%").strip()) / 100
                self._min_share, self._min_bytes = share, 0
            else:
                self._min_share, self._min_bytes = 0.0, ByteSize(1, 2**60).parse(text)
        except InvalidValueError:
            raise section.error("free", text, _ALLOWED) from None

    def __call__(self, timeout: float) -> CheckResult:
        """Return whether enough space is free."""
        try:
            disk = os.statvfs(self._path)
        except OSError as error:
            return check_error(f"the folder: {error.strerror}")
        total, free = disk.f_blocks * disk.f_frsize, disk.f_bavail * disk.f_frsize
        text = f"{free / 10**9:,.1f} GB of {total / 10**9:,.1f} GB are free"
        if free < max(self._min_bytes, self._min_share * total):
            mood = "hungry" if free else "sad"
            return CheckResult(mood=mood, detail=text, restart_may_help=False, condition="disk")
        # File systems without a fixed number of files report 0.
        if disk.f_files and disk.f_favail < MIN_FREE_FILES_SHARE * disk.f_files:
            text = f"{disk.f_favail:,} more files are possible"
            return CheckResult(mood="hungry", detail=text, restart_may_help=False, condition="disk")
        return happy(text)

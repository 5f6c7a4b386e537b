"""The combined log format of Apache, which is nginx's default, too."""

import re

# Larger sizes are invalid.
MAX_RESPONSE_BYTES = 2**50

_QUOTED = r'"((?:[^"\\]|\\.)*)"'
# Groups: address, time, request line, status, size or "-", referer, user agent. The common log
# format has no referer and user agent. The user name may contain spaces.
COMBINED_LOG_LINE = re.compile(
    r"(\S{1,255}) \S+ .*?\[([^\[\]]{26})\] "
    rf"{_QUOTED} ([1-5][0-9][0-9]) ([0-9]{{1,20}}|-)(?: {_QUOTED} {_QUOTED})?(?= |$)"
)

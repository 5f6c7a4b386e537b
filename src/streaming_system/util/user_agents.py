"""The user agent of our own checks, which distinguishes them from viewers.

Whatever plays or loads a stream without being a viewer sends it: the agent's checks and pictures,
and programs of the operator, such as recorders.
"""

import re

USER_AGENT = "streaming-system (agent)"
# The name of an RTMP player; spaces would need quotes in nginx.conf.
RTMP_AGENT = "streaming-system/agent"
_CHECK = re.compile(r"streaming-system(?:[ /(]|$)")


def is_check(user_agent: object) -> bool:
    """Return whether a user agent, or the name of an RTMP player, is that of a check."""
    return isinstance(user_agent, str) and _CHECK.match(user_agent) is not None

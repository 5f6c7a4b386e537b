"""Timeouts of waits in tests. Only a failure takes that long."""


def extended(seconds):
    """Return the timeout of a wait on a busy machine, from that on an idle one, in seconds."""
    return max(seconds, min(4 * seconds, 120))

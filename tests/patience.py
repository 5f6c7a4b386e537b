"""How long tests wait for something. Only a failure takes that long."""


def patient(seconds):
    """Return the limit of a wait on a busy machine, by the one of an idle machine, in seconds."""
    return max(seconds, min(4 * seconds, 120))

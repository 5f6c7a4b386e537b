"""Words for people."""


def why(error: Exception) -> str:
    """Return the reason of an error alone, in one line."""
    said = " ".join(str(error).split())
    # urllib3 begins with the object that failed.
    if said.startswith(("<", "HTTP")) and ": " in said:
        said = said.partition(": ")[2]
    return said[:200]

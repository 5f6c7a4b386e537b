"""What a test says in the configuration besides what the example has."""

from pathlib import Path

# Words of the example, behind which there is room for more: of the site, of all rooms, of one.
SITE = '"config": {'
CONFERENCE = '"conference": "Example Conf",'
HALL = '"title": "Main Hall",'


def configure(checkout: Path, behind: str, said: str) -> None:
    """Say more in the example's configuration, behind some of its words."""
    example = checkout / "config.private.json.example"
    own = checkout / "config.private.json"
    text = (own if own.exists() else example).read_text()
    assert behind in text
    own.write_text(text.replace(behind, behind + said, 1))

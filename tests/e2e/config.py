"""Changes of a test to the example configuration."""

import hashlib
import json
from pathlib import Path

# Texts of the example after which settings can be added: of the site, of all rooms, of one room.
SITE_SECTION = '"config": {'
CONFERENCE_SETTING = '"conference": "Example Conf",'
MAIN_HALL_TITLE = '"title": "Main Hall",'
GARDEN_TITLE = '"title": "Garden Stage",'


class SiteConfiguration:
    """Changes to the configuration of a new checkout; tests with equal changes share a site."""

    def __init__(self) -> None:
        self.additions: list[tuple[str, str]] = []
        self.keys: dict[str, str] = {}
        self.files: dict[str, str] = {}

    def add(self, after: str, text: str) -> None:
        """Add text to config.private.json after a text of the example."""
        self.additions.append((after, text))

    @property
    def digest(self) -> str:
        parts = json.dumps([self.additions, self.keys, self.files], sort_keys=True)
        return hashlib.sha256(parts.encode()).hexdigest()

    def write(self, checkout: Path) -> None:
        """Write the changes into a new checkout."""
        for after, text in self.additions:
            add_to_private_configuration(checkout, after, text)
        for key, value in self.keys.items():
            set_ini_key(checkout / "development.ini", key, value)
        for name, content in self.files.items():
            path = checkout / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)


def configuration_with_theme(theme: str) -> SiteConfiguration:
    """Return the configuration of a site with a theme; "" is the default theme."""
    configuration = SiteConfiguration()
    if theme:
        configuration.add(SITE_SECTION, f'"theme": "{theme}",')
    return configuration


def add_to_private_configuration(checkout: Path, after: str, text: str) -> None:
    """Add text to the private configuration after a text of the example."""
    example = checkout / "config.private.json.example"
    private = checkout / "config.private.json"
    current = (private if private.exists() else example).read_text()
    assert after in current
    private.write_text(current.replace(after, after + text, 1))


def set_ini_key(ini: Path, key: str, value: str) -> None:
    """Set the value of the first key with that name in an ini file, perhaps in a comment."""
    lines = ini.read_text().split("\n")
    starts = (f"{key} =", f"# {key} =")
    index = next(number for number, line in enumerate(lines) if line.startswith(starts))
    lines[index] = f"{key} = {value}"
    ini.write_text("\n".join(lines))

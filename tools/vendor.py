"""Downloads the third-party browser libraries into the package: ``make vendor``.

Each vendor.json beside the files lists their packages and versions. To update a library, change its
version, run this, review the difference and commit.
"""

import base64
import hashlib
import json
import subprocess
import tarfile
import tempfile
from pathlib import Path

SOURCE_FOLDER = Path(__file__).parent.parent / "src"


def main() -> None:
    for manifest in sorted(SOURCE_FOLDER.rglob("vendor.json")):
        update_files(manifest)


def update_files(manifest: Path) -> None:
    """Download the files of a manifest, and store their integrity in it."""
    entries = json.loads(manifest.read_text(encoding="utf-8"))
    packages = {(entry["package"], entry["version"]) for entry in entries}
    for package, version in sorted(packages):
        with tempfile.TemporaryDirectory() as folder, download(package, version, folder) as archive:
            for entry in entries:
                if (entry["package"], entry["version"]) == (package, version):
                    content = archive.extractfile(entry["path"]).read()
                    target = manifest.parent / entry["file"]
                    target.parent.mkdir(exist_ok=True)
                    target.write_bytes(content)
                    entry["integrity"] = integrity(content)
                    print(f"{entry['file']}: {package} {version}, {len(content):,} bytes")
    manifest.write_text(json.dumps(entries, indent=2) + "\n", encoding="utf-8")


def download(package: str, version: str, folder: str) -> tarfile.TarFile:
    """Download a package archive from the registry; npm verifies its checksum."""
    registry, _, name = package.partition(":")
    assert registry == "npm", package
    command = ["npm", "pack", "--silent", f"{name}@{version}"]
    result = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return tarfile.open(Path(folder) / result.stdout.split()[-1])


def integrity(content: bytes) -> str:
    """Return the value of a script's ``integrity`` attribute for a file."""
    return "sha384-" + base64.b64encode(hashlib.sha384(content).digest()).decode()


if __name__ == "__main__":
    main()

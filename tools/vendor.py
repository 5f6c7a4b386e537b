"""Fetch what browsers need of others' work into the package, so that nothing is fetched later.

``make vendor`` runs it. What is taken, and from where, is said by each vendor.json beside the
files; change a version there, run it, look at the difference, commit.
"""

import base64
import hashlib
import json
import subprocess
import tarfile
import tempfile
from pathlib import Path

SOURCE = Path(__file__).parent.parent / "src"


def main() -> None:
    """Bring every file up to what the manifests ask for, and note its integrity."""
    for manifest in sorted(SOURCE.rglob("vendor.json")):
        refresh(manifest)


def refresh(manifest: Path) -> None:
    """Bring the files beside a manifest up to what it asks for."""
    entries = json.loads(manifest.read_text(encoding="utf-8"))
    packages = {(entry["package"], entry["version"]) for entry in entries}
    for package, version in sorted(packages):
        with tempfile.TemporaryDirectory() as folder, packed(package, version, folder) as archive:
            for entry in entries:
                if (entry["package"], entry["version"]) == (package, version):
                    content = archive.extractfile(entry["path"]).read()
                    target = manifest.parent / entry["file"]
                    target.parent.mkdir(exist_ok=True)
                    target.write_bytes(content)
                    entry["integrity"] = integrity(content)
                    print(f"{entry['file']}: {package} {version}, {len(content):,} bytes")
    manifest.write_text(json.dumps(entries, indent=2) + "\n", encoding="utf-8")


def packed(package: str, version: str, folder: str) -> tarfile.TarFile:
    """Return a package as the registry has it; npm checks that it is the one that was published."""
    registry, _, name = package.partition(":")
    assert registry == "npm", package
    command = ["npm", "pack", "--silent", f"{name}@{version}"]
    answer = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return tarfile.open(Path(folder) / answer.stdout.split()[-1])


def integrity(content: bytes) -> str:
    """Return what the attribute ``integrity`` of a script says of a file."""
    return "sha384-" + base64.b64encode(hashlib.sha384(content).digest()).decode()


if __name__ == "__main__":
    main()

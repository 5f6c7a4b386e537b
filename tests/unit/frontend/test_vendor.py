"""Vendored browser libraries match their manifests."""

import base64
import hashlib
import json

import pytest


@pytest.fixture(
    params=[
        "frontend/static/vendor",
        "theme/examples/festival/fonts",
    ]
)
def folder(root, request):
    return root / "src/streaming_system" / request.param


@pytest.fixture
def entries(folder):
    return json.loads((folder / "vendor.json").read_text())


def test_vendored_files_match_the_manifest(folder, entries):
    for entry in entries:
        digest = hashlib.sha384((folder / entry["file"]).read_bytes()).digest()

        assert entry["integrity"] == f"sha384-{base64.b64encode(digest).decode()}", entry["file"]


def test_all_vendored_files_are_in_the_manifest(folder, entries):
    there = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}

    assert there - {"vendor.json"} == {entry["file"] for entry in entries}


def test_each_package_has_its_licence(entries):
    for name in {entry["name"] for entry in entries}:
        files = [entry["file"] for entry in entries if entry["name"] == name]

        assert any("LICEN" in file.upper() for file in files), name


def test_manifest_entries_are_complete(entries):
    for entry in entries:
        assert set(entry) == {
            "name", "version", "licence", "package", "path", "file", "integrity",
        }  # fmt: skip
        assert all(entry.values())


def test_all_manifests_are_tested(root):
    found = {path.parent.name for path in (root / "src").rglob("vendor.json")}

    assert found == {"vendor", "fonts"}

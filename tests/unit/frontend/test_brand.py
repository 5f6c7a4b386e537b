"""The files of the brand folder, and what is served while one is invalid."""

import pytest

from streaming_system.frontend.brand import (
    LOGOS,
    MAX_FILE_BYTES,
    BrandError,
    BrandFolder,
    validate_brand_folder,
)

PNG = b"\x89PNG\r\n\x1a\n picture IEND\xaeB`\x82"
JPEG = b"\xff\xd8\xff picture \xff\xd9"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"/>\n'


@pytest.mark.parametrize(
    ("name", "body", "message"),
    [
        ("logo.png", b"", "is empty; delete it to show the default one"),
        ("logo.png", PNG[:-4], "is cut off: the end of the picture is missing"),
        ("logo.jpg", JPEG[:-2], "is cut off: the end of the picture is missing"),
        ("logo.svg", SVG[:-4], "is cut off: the end of the picture is missing"),
        ("logo.webp", b"x" * (MAX_FILE_BYTES + 1), "is larger than 8 MiB"),
    ],
)
def test_invalid_file_is_refused_and_the_one_before_stays(tmp_path, name, body, message, caplog):
    good = {"logo.png": PNG, "logo.jpg": JPEG, "logo.svg": SVG}.get(name, b"webp")
    (tmp_path / name).write_bytes(good)
    brand = BrandFolder(tmp_path)
    assert brand.find(LOGOS).body == good

    (tmp_path / name).write_bytes(body)

    assert [brand.find(LOGOS).body for _ in range(3)] == [good] * 3
    assert brand.refusal == f"{tmp_path / name}: {message}"
    assert len(caplog.records) == 1
    with pytest.raises(BrandError, match=message):
        validate_brand_folder(str(tmp_path))


def test_repaired_file_is_served(tmp_path):
    (tmp_path / "logo.png").write_bytes(b"")
    brand = BrandFolder(tmp_path)
    assert brand.find(LOGOS) is None
    assert "is empty" in brand.refusal

    (tmp_path / "logo.png").write_bytes(PNG)

    assert (brand.find(LOGOS).body, brand.refusal) == (PNG, "")


def test_deleted_file_is_no_longer_served(tmp_path):
    for name, body in (("logo.svg", SVG), ("logo.png", PNG)):
        (tmp_path / name).write_bytes(body)
    brand = BrandFolder(tmp_path)
    assert brand.find(LOGOS).name == "logo.svg"

    (tmp_path / "logo.svg").unlink()

    assert brand.find(LOGOS).name == "logo.png"
    assert brand.refusal == ""


def test_folder_without_files_is_valid(tmp_path):
    validate_brand_folder(None)
    validate_brand_folder(str(tmp_path / "none"))
    assert BrandFolder(tmp_path / "none").find(LOGOS) is None
    assert BrandFolder(None).find(LOGOS) is None

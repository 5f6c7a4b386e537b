"""`make docs`: the documentation becomes a site of its own."""

import re
import subprocess
import sys

# What a page contacts when a browser opens it.
LOADED = re.compile(r'<(?:script|img|iframe|link)[^>]*\s(?:src|href)="(?:https?:)?//')


def test_documentation_is_built_without_a_warning(root, tmp_path):
    command = [sys.executable, "-m", "sphinx", "--quiet", "--fail-on-warning", "--keep-going",
               "-d", tmp_path / "cache", root / "docs", tmp_path / "site"]  # fmt: skip
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr

    site = tmp_path / "site"
    assert "Tutorials" in (site / "index.html").read_text()
    assert (site / "searchindex.js").stat().st_size > 10_000
    assert [page.name for page in site.rglob("*.html") if LOADED.search(page.read_text())] == []

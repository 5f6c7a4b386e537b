"""Checks the words of names, comments, documents and commit subjects: `make lint`.

CONTRIBUTING.md explains the rules; tools/vocabulary.toml lists them. Exit status 1: there are
findings.
"""

import argparse
import fnmatch
import os
import re
import subprocess
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from source_text import Snippet, is_supported, snippets

ROOT = Path(__file__).parent.parent
RULES = "tools/vocabulary.toml"
SKIPPED_FOLDERS = {".git", ".venv", "__pycache__", "build", "dist", "var"}

_NAME_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_AREA = r"[a-z0-9.][\w./-]*(?:, [\w./-]+)*"
_SUBJECT_BY_GIT = re.compile(r'Revert "|(?:amend|fixup|squash)! ')


@dataclass(frozen=True, order=True)
class Finding:
    """A word that a rule rules out."""

    path: str
    line: int
    word: str
    use: str
    rule: str

    def __str__(self) -> str:
        return f'{self.path}:{self.line}: "{self.word}": {self.use}'


@dataclass(frozen=True)
class Rule:
    """A pattern, and what to write instead."""

    name: str
    pattern: re.Pattern[str]
    use: str

    @classmethod
    def parse(cls, kind: str, name: str, entry: dict[str, str]) -> "Rule":
        pattern = entry.get("match", name)
        if kind == "prose":
            spaced = pattern.replace(" ", r"\s+")
            pattern = rf"(?i)(?<![\w-])(?:{spaced})(?![\w-])"
        elif kind == "word":
            pattern = rf"(?<![^_])(?:{pattern})(?![^_])"
        else:
            pattern = rf"\A(?:{pattern})\Z"
        return cls(f"{kind} {name}", re.compile(pattern), f"use {entry['use']}")


class Vocabulary:
    """The rules of a TOML file."""

    def __init__(self, text: str) -> None:
        sections = tomllib.loads(text)
        self.files: dict[str, list[str]] = sections.pop("files")
        self.subjects: dict[str, Any] = sections.pop("subjects")
        self.exceptions: list[dict[str, str]] = sections.pop("allow", [])
        self.rules = {
            kind: [Rule.parse(kind, name, entry) for name, entry in entries.items()]
            for kind, entries in sections.items()
        }

    def check(self, path: str, snippet: Snippet) -> Iterator[Finding]:
        """Yield the findings in a snippet of a file."""
        if snippet.kind == "prose":
            yield from self._check_prose(path, snippet)
        else:
            yield from self._check_name(path, snippet)

    def _check_prose(self, path: str, snippet: Snippet) -> Iterator[Finding]:
        for rule in self.rules.get("prose", ()):
            for match in rule.pattern.finditer(snippet.text):
                line = snippet.line + snippet.text.count("\n", 0, match.start())
                yield Finding(path, line, " ".join(match[0].split()), rule.use, rule.name)

    def _check_name(self, path: str, snippet: Snippet) -> Iterator[Finding]:
        """Yield one finding at most: a name that breaks two rules changes only once."""
        words = "_".join(_NAME_PART.findall(snippet.text)).lower()
        for kind, text in ((snippet.kind, snippet.text), ("word", words)):
            for rule in self.rules.get(kind, ()):
                if rule.pattern.search(text):
                    yield Finding(path, snippet.line, snippet.text, rule.use, rule.name)
                    return

    def check_subject(self, commit: str, subject: str) -> Iterator[Finding]:
        """Yield the findings in the subject of a commit."""
        path = f"commit {commit}"
        verbs = "|".join(map(re.escape, self.subjects["verbs"]))
        if _SUBJECT_BY_GIT.match(subject):
            return
        if not re.match(rf"{_AREA}: (?:{verbs}) \S", subject):
            use = f'use "area: verb noun", with a verb of [subjects] in {RULES}'
            yield Finding(path, 1, subject, use, "subject form")
        yield from self._check_prose(path, Snippet("prose", 1, subject))

    def exception_for(self, finding: Finding) -> int | None:
        """Return the number of the exception that allows a finding."""
        for number, entry in enumerate(self.exceptions):
            if fnmatch.fnmatchcase(finding.path, entry["file"]) and fnmatch.fnmatchcase(
                finding.rule, entry["rule"]
            ):
                return number
        return None


class Tree:
    """A checkout or an unpacked archive of the project."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.vocabulary = Vocabulary((root / RULES).read_text(encoding="utf-8"))

    def findings(self) -> list[Finding]:
        """Return every finding without an exception."""
        findings, used = [], set()
        for finding in sorted([*self._check_files(), *self._check_history()]):
            number = self.vocabulary.exception_for(finding)
            used.add(number)
            if number is None:
                findings.append(finding)
        for number, entry in enumerate(self.vocabulary.exceptions):
            if number not in used:
                word = f"{entry['file']} {entry['rule']}"
                findings.append(Finding(RULES, 1, word, "remove the unused exception", "allow"))
        return findings

    def _check_files(self) -> Iterator[Finding]:
        classes = defaultdict(list)
        for path in self._list_files():
            for snippet in snippets(path, (self.root / path).read_text(encoding="utf-8")):
                yield from self.vocabulary.check(path, snippet)
                if snippet.kind in ("class", "exception") and path.startswith("src/"):
                    classes[snippet.text].append((path, snippet.line))
        for name, places in classes.items():
            if len(places) > 1 and not name.startswith("_"):
                yield from self._duplicates(name, places)

    def _duplicates(self, name: str, places: Sequence[tuple[str, int]]) -> Iterator[Finding]:
        """Yield the definitions of a class name."""
        for path, line in places:
            others = ", ".join(sorted({other for other, _ in places} - {path})) or "this file"
            use = f"use another name: it is also defined in {others}"
            yield Finding(path, line, name, use, "class duplicate")

    def _check_history(self) -> Iterator[Finding]:
        """Yield the findings in the subjects of new commits; none where there is no git."""
        since = self.vocabulary.subjects["since"].timestamp()
        log = self._git("log", "--no-merges", "--format=%h%x09%at%x09%s") or ""
        for line in log.splitlines():
            commit, author_time, subject = line.split("\t", 2)
            if int(author_time) >= since:
                yield from self.vocabulary.check_subject(commit, subject)

    def _list_files(self) -> list[str]:
        """Return the paths to check: without git, everything that is no build product."""
        listed = self._git("ls-files", "-z", "--cached", "--others", "--exclude-standard")
        paths = self._walk() if listed is None else set(listed.split("\0"))
        return sorted(
            path
            for path in paths
            if is_supported(path)
            and _matches(path, self.vocabulary.files["include"])
            and not _matches(path, self.vocabulary.files["exclude"])
            and (self.root / path).is_file()
        )

    def _walk(self) -> Iterator[str]:
        for folder, folders, names in os.walk(self.root):
            folders[:] = [name for name in folders if name not in SKIPPED_FOLDERS]
            for name in names:
                yield (Path(folder) / name).relative_to(self.root).as_posix()

    def _git(self, *arguments: str) -> str | None:
        """Return what git prints, or None where git or the repository is missing."""
        if not (self.root / ".git").exists():
            return None
        try:
            command = ["git", "-C", str(self.root), *arguments]
            return subprocess.run(command, capture_output=True, text=True, check=True).stdout
        except (OSError, subprocess.CalledProcessError):
            return None


def _matches(path: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns)


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("paths", nargs="*", help="only these files or folders")
    parser.add_argument("--count", action="store_true", help="print findings per rule")
    options = parser.parse_args(arguments)
    findings = Tree(root).findings()
    if options.paths:
        folders = tuple(path.rstrip("/") + "/" for path in options.paths)
        findings = [finding for finding in findings if f"{finding.path}/".startswith(folders)]
    if options.count:
        for rule, count in sorted(Counter(finding.rule for finding in findings).items()):
            print(f"{count:6} {rule}")
    else:
        print(*findings, sep="\n", end="\n" if findings else "")
    print(f"{len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    raise SystemExit(main())

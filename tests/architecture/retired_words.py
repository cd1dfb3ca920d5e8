"""Find words that the project no longer uses, in code, docs and the page.

``python -m tests.architecture.retired_words`` prints each of them with the term to use instead, and
ends with 1 if there is any. ``make check`` and pre-commit run it.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).parents[2]

RETIRED = {
    r"unmak(e|es|ing)|unmade": "compensate",
    r"told": "notified, reported, logged, or the noun: payload, record",
    r"hand(s|ed|ing)?[ _]back|HandBack": "retry later",
    r"bury|buries|buried": "dead-letter",
    r"with(held|hold|holds|holding)": "quarantined",
    r"verdicts?": "decision, or outcome",
    r"hand(s|ed|ing)? out": "issue, publish or return",
    r"look-?alikes?": "similar images",
    r"g[ai]v(e|es|ing) way": "superseded",
    r"seen-before|seen before": "duplicate",
    r"settl(e|es|ed|ing)": "complete, completed",
    r"hear(s|d)? of": "missed, unknown",
    r"fell silent|fall(s|en)? silent": "stuck",
    r"what nobody|who hears|whoever asks": "name the subject",
    r"the world's|of the world": "a dependency's",
    r"seeds' design": "nothing: it is removed",
    r"GIVEN_ID|by_look|look_bands|LOOK_ALIKE": "ISSUED_KEY, by_embedding, embedding_bands, SIMILAR",
}
"""A pattern of words, and the term that replaces them."""

EXCEPTIONS = {
    "tests/architecture/*retired_words.py": "the list and its test",
    "CHANGELOG.md": "it names what was renamed",
    "docs/upgrading.md": "it names what was renamed",
    "LICENSE": "not our text",
    "*package-lock.json": "generated",
    "uv.lock": "generated",
    "*.jpg": "a picture",
}
"""Files that may hold retired words, and why."""

PATTERN = re.compile(
    "|".join(rf"(?<![a-zA-Z])(?P<w{n}>{words})(?![a-zA-Z])" for n, words in enumerate(RETIRED)),
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Finding:
    """One retired word in one line."""

    path: str
    line: int
    word: str
    instead: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.word!r} is retired; use: {self.instead}"


def findings() -> Iterator[Finding]:
    """Every retired word in the files that git tracks, or that it would add."""
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for path in names.splitlines():
        if (ROOT / path).is_file() and not any(fnmatch(path, pattern) for pattern in EXCEPTIONS):
            yield from in_text(path, (ROOT / path).read_bytes().decode("utf-8", "ignore"))


def in_text(path: str, text: str) -> Iterator[Finding]:
    """The retired words of a text."""
    instead = list(RETIRED.values())
    for number, line in enumerate(text.splitlines(), 1):
        for match in PATTERN.finditer(line):
            n = next(n for n in range(len(instead)) if match[f"w{n}"])
            yield Finding(path, number, match[0], instead[n])


def main() -> int:
    found = list(findings())
    for finding in found:
        print(finding)  # noqa: T201 - a command prints
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

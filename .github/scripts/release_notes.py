"""``release_notes.py TAG`` prints what CHANGELOG.md tells of a release, and fails where tag and code disagree."""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def notes(tag: str, *, changelog: str, version: str) -> str:
    """Return the changelog's section of a release.

    Args:
        tag: Such as ``v1.2.3``.
        changelog: The text of CHANGELOG.md.
        version: What the code calls itself.

    Raises:
        ValueError: The tag is not the code's version, or the changelog has no section of it or an empty one.
    """
    if tag != f"v{version}":
        raise ValueError(f"the tag is {tag}, but smyth.__version__ is {version}; tag v{version}, or change the version")
    section = re.search(rf"^## {re.escape(version)}(?: [^\n]*)?\n(.*?)(?=^## |\Z)", changelog, re.DOTALL | re.MULTILINE)
    if section is None or not section[1].strip():
        raise ValueError(f"CHANGELOG.md tells nothing under '## {version}'; rename 'Unreleased' before you tag")
    return section[1].strip() + "\n"


def main(arguments: list[str]) -> int:
    """The command."""
    if len(arguments) != 1:
        print("usage: release_notes.py TAG", file=sys.stderr)
        return 2
    code = (ROOT / "shared" / "smyth" / "__init__.py").read_text("utf-8")
    version = re.search(r'^__version__ = "(.+)"$', code, re.MULTILINE)
    assert version is not None
    try:
        print(notes(arguments[0], changelog=(ROOT / "CHANGELOG.md").read_text("utf-8"), version=version[1]), end="")
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

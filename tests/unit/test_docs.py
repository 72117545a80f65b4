"""What the documents say about the code is so."""

from __future__ import annotations

import re
from pathlib import Path

from smyth.cli.main import COMMANDS
from smyth.components.registry import names
from smyth.document import CATALOG

ROOT = Path(__file__).resolve().parents[2]


def test_the_components_that_are_told_as_run_are_run() -> None:
    _, section = (ROOT / "docs/compatibility.md").read_text().split("Run by this version: ")
    told = re.findall(r"\w+", section.split(".")[0])
    assert sorted(told) == sorted(names())


def test_the_readme_counts_the_components_right() -> None:
    runs = len(CATALOG.intersection(names()))
    assert f"runs {runs} of the original's {len(CATALOG)} component names" in (ROOT / "README.md").read_text()


def test_every_command_is_told() -> None:
    told = (ROOT / "docs/cli.md").read_text()
    assert [name for name in COMMANDS if f"`smyth {name} " not in told] == []


def test_links_between_the_documents_lead_somewhere() -> None:
    for document in [ROOT / "README.md", ROOT / "examples/README.md", *(ROOT / "docs").glob("*.md")]:
        for link in re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text()):
            assert (document.parent / link).exists(), f"{document.name}: {link}"

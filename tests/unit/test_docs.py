"""What the documents say about the code is so."""

from __future__ import annotations

import re
from pathlib import Path

from smyth.cli.main import COMMANDS
from smyth.components.registry import names
from smyth.document import CATALOG
from smyth.sdk.compat.bugs import BUGS, UNMARKED
from smyth.sdk.compat.transcripts.judged import JUDGED, REMAINING

ROOT = Path(__file__).resolve().parents[2]


def test_the_components_that_are_told_as_run_are_run() -> None:
    _, section = (ROOT / "docs/compatibility.md").read_text().split("Run by this version: ")
    told = re.findall(r"\w+", section.split(".")[0])
    assert sorted(told) == sorted(names())


def test_the_readme_counts_the_components_right() -> None:
    runs = len(CATALOG.intersection(names()))
    assert f"runs {runs} of the original's {len(CATALOG)} component names" in (ROOT / "README.md").read_text()


def _section(title: str) -> str:
    text = (ROOT / "docs/compatibility.md").read_text()
    return re.split(r"^##+ ", text.split(f"# {title}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]


def test_every_bug_of_the_original_is_told_once_and_has_a_test() -> None:
    told = [int(number) for number in re.findall(r"^\| (\d+) \|", _section("Bugs of the original, done right"), re.M)]
    assert told == sorted(BUGS)
    tests = "".join(file.read_text() for file in (ROOT / "tests/compat").glob("test_bugs*.py"))
    assert set(re.findall(r'"""Bug (\d+)[.:]', tests)) == {str(bug) for bug in BUGS}


def test_every_request_that_shows_a_bug_without_being_marked_is_told() -> None:
    told: set[tuple[str, int, int]] = set()
    for bug, requests in re.findall(
        r"^\| (\d+) \| (.*?): ", _section("Requests that show a bug without being marked"), re.M
    ):
        case = ""
        for name, number in re.findall(r"([a-z-]*)#(\d+)", requests):
            case = name or case
            told.add((case, int(number), int(bug)))
    assert told == {(case, number, bug) for (case, number), bug in UNMARKED.items()}


def test_every_oddity_that_replayed_conversations_show_is_told() -> None:
    rows = re.findall(
        r"^\| ([\d, ]+) \|.*\| ([a-z0-9, -]*) \|$", _section("Oddities of the original, done right"), re.M
    )
    told = {(int(oddity), name) for oddity, names in rows for name in names.split(", ") if name}
    assert told == {(judgement.oddity, name) for judgement in JUDGED for name in judgement.transcripts}


def test_every_conversation_that_differs_is_told() -> None:
    told = re.findall(r"^\| ([a-z0-9-]+) \|", _section("Conversations that differ"), re.M)
    assert sorted(told) == sorted(REMAINING)
    files = list((ROOT / "tests/compat/transcripts").glob("*.json"))
    text = (ROOT / "docs/compatibility.md").read_text()
    assert f"{len(files) - len(REMAINING)} of {len(files)} go as recorded" in text


def test_every_command_is_told() -> None:
    told = (ROOT / "docs/cli.md").read_text()
    assert [name for name in COMMANDS if f"`smyth {name} " not in told] == []


def test_links_between_the_documents_lead_somewhere() -> None:
    for document in [ROOT / "README.md", ROOT / "examples/README.md", *(ROOT / "docs").glob("*.md")]:
        for link in re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text()):
            assert (document.parent / link).exists(), f"{document.name}: {link}"

"""Replay recorded conversations and count those that went as recorded."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from smyth.sdk.compat.transcripts.compare import conversation_differences
from smyth.sdk.compat.transcripts.judged import unjudged
from smyth.sdk.compat.transcripts.read import read_transcript
from smyth.sdk.compat.transcripts.run import Replayed, run

Secrets = dict[str, dict[str, str]]


@dataclass(slots=True)
class Result:
    """How many conversations went as recorded."""

    passed: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class Judged:
    """One conversation, had again."""

    replayed: Replayed
    #: One line for each difference that is not meant.
    differences: list[str]


def replay(
    directory: str | Path,
    *,
    record: str | Path | None = None,
    vault: str | Path | None = None,
    report: Callable[[str], None] = print,
) -> Result:
    """Replay every conversation in ``directory`` and report each difference in one line.

    Args:
        directory: Holds the transcripts, one JSON file each.
        record: Where to write what was sent and answered, one JSON file per transcript.
        vault: File with the secrets; by default ``vault.json`` beside the directory, if it is there.
        report: Receives the lines; the last is ``N passed, M failed``.

    Raises:
        FileNotFoundError: There is no transcript, or no such vault file.
        ValueError: A file is no transcript.
    """
    files = sorted(Path(directory).glob("*.json"))
    if not files:
        raise FileNotFoundError(f"There are no transcripts in {directory}. Name a directory with transcripts (*.json).")
    secrets = read_secrets(Path(directory), vault)
    result = Result()
    for file in files:
        judged = judge(file, secrets)
        result.failed += bool(judged.differences)
        result.passed += not judged.differences
        for line in judged.differences:
            report(f"{file.stem} {line}")
        if record is not None:
            _write(Path(record) / file.name, judged.replayed)
    report(f"{result.passed} passed, {result.failed} failed")
    return result


def judge(file: Path, secrets: Secrets) -> Judged:
    """Have the conversation in ``file`` again and compare it with the recorded one.

    Raises:
        ValueError: The file is no transcript.
    """
    transcript = read_transcript(file)
    replayed = asyncio.run(run(transcript, file.parent, secrets))
    return Judged(replayed, unjudged(transcript.name, conversation_differences(transcript.recorded, replayed)))


def read_secrets(directory: Path, vault: str | Path | None = None) -> Secrets:
    """Return the vault of the recordings, by team and name."""
    beside = directory.resolve().parent / "vault.json"
    if vault is None and not beside.exists():
        return {}
    secrets: Secrets = json.loads(Path(vault or beside).read_text(encoding="utf-8"))
    return secrets


def _write(file: Path, replayed: Replayed) -> None:
    """Write what was sent and answered."""
    seen: dict[str, Any] = {
        "provider_requests": [asked.body for asked in replayed.asked],
        "api_requests": replayed.api_requests,
        "results": replayed.results,
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(seen, ensure_ascii=False, indent=1), encoding="utf-8")

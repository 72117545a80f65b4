"""Recorded conversations with model providers, had again with the real gateway, engine and HTTP client.

Recorded with SmythOS SRE 1.7.42; ``smyth compat --transcripts tests/compat/transcripts`` tells the same by hand.
"""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path

import pytest

from smyth.sdk.compat.transcripts.compare import conversation_differences
from smyth.sdk.compat.transcripts.judged import JUDGED, REMAINING, unjudged
from smyth.sdk.compat.transcripts.read import read_transcript
from smyth.sdk.compat.transcripts.replay import read_secrets, replay
from smyth.sdk.compat.transcripts.run import run

pytestmark = pytest.mark.xdist_group("litellm")

TRANSCRIPTS = Path(__file__).resolve().parent / "transcripts"
FILES = sorted(TRANSCRIPTS.glob("*.json"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_conversation_goes_as_with_the_original(file: Path) -> None:
    transcript = read_transcript(file)
    replayed = asyncio.run(run(transcript, TRANSCRIPTS, read_secrets(TRANSCRIPTS)))
    differing = list(conversation_differences(transcript.recorded, replayed))
    # What is listed must be so, lest the lists outlive their reasons.
    assert bool(unjudged(file.stem, differing)) == (file.stem in REMAINING), unjudged(file.stem, differing)
    for judgement in JUDGED:
        if file.stem in judgement.transcripts:
            assert any(re.match(judgement.lines, line) for line in differing), judgement


def test_what_was_sent_and_answered_is_recorded(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    told = json.loads((TRANSCRIPTS / "stream-crypto-one-tool.json").read_text())
    (tmp_path / "in/one.json").write_text(json.dumps(told))
    told["result"] = "something else"
    (tmp_path / "in/two.json").write_text(json.dumps(told))
    lines: list[str] = []
    result = replay(tmp_path / "in", record=tmp_path / "out", report=lines.append)
    assert (result.passed, result.failed) == (1, 1)
    assert lines[0].startswith('two results/0: expected "something else", got ')
    assert lines[1:] == ["1 passed, 1 failed"]
    recorded = json.loads((tmp_path / "out/one.json").read_text())
    assert [body["messages"][-1]["role"] for body in recorded["provider_requests"]] == ["user", "tool"]
    assert recorded["api_requests"] == told["api_requests"]
    assert recorded["results"] == [json.loads((TRANSCRIPTS / "stream-crypto-one-tool.json").read_text())["result"]]


def test_a_file_that_is_no_conversation_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("{}")
    with pytest.raises(ValueError, match=r"x\.json is no recorded conversation"):
        replay(tmp_path)
    with pytest.raises(FileNotFoundError, match="no transcripts"):
        replay(tmp_path / "nothing")


def test_models_of_a_team_are_known_with_their_fallbacks(tmp_path: Path) -> None:
    told = json.loads((TRANSCRIPTS / "model-custom-entry.json").read_text())
    own = {"name": "Mine", "modelId": "mine", "provider": "OpenAI", "maxOutputTokens": 700}
    own |= {"baseURL": "http://127.0.0.1:18888/v1", "credentials": {"apiKey": "x"}, "fallbackLLM": "gpt-4o-mini"}
    told["sre_init"] = {"Account": {"Settings": {"user-custom-llm": json.dumps({"id-1": own})}}}
    told["calls"][0]["model"] = "Mine"
    told["provider_script"].insert(0, {"kind": "error", "status": 400, "body": {"error": {"message": "no"}}})
    (tmp_path / "one.json").write_text(json.dumps(told))
    replay(tmp_path, record=tmp_path / "out", report=lambda _: None)
    recorded = json.loads((tmp_path / "out/one.json").read_text())
    assert [body["model"] for body in recorded["provider_requests"]] == ["mine", "gpt-4o-mini"]
    assert recorded["results"] == [told["result"]]


def test_a_conversation_that_cannot_be_replayed_does_not_end_the_others(tmp_path: Path) -> None:
    told = json.loads((TRANSCRIPTS / "stream-plain-text.json").read_text())
    (tmp_path / "good.json").write_text(json.dumps(told))
    told["agent"]["components"] = "none"
    (tmp_path / "bad.json").write_text(json.dumps(told))
    lines: list[str] = []
    replay(tmp_path, report=lines.append)
    assert any(line.startswith("bad results/0") and "cannot be replayed" in line for line in lines)
    assert lines[-1] == "1 passed, 1 failed"

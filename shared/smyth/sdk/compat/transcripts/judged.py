"""Which differences from the recordings are meant: oddities of the original that are judged better not matched."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Judgement:
    """An oddity that is done right here, and what its transcripts then show that is not compared."""

    #: Number in PROTOCOL section 6.
    oddity: int
    #: Pattern of how the lines of its differences begin.
    lines: str
    transcripts: tuple[str, ...]


_ANY_REQUEST = r"requests/\d+"
_TOOL_CALLS = r"requests|api_requests|results|content|tool_calls|tool_results"
_CHATS = (
    "chat-passthrough-memory",
    "chat-persist-local-storage",
    "chat-persist-reload",
    "chat-stream-error",
    "chat-stream-events",
    "chat-tools-memory",
    "conv-max-tool-calls",
    "conv-max-tool-calls-zero",
    "conv-stop-flag",
    "conv-system-prompt-and-tool-choice",
    "llm-chat",
)
_FAILURES = (
    "error-401-prompt",
    "error-429-prompt",
    "error-after-tool-prompt",
    "error-cut-midstream-prompt",
    "error-unreachable",
)
_STREAM_FAILURES = ("error-401-stream", "error-500-stream", "error-after-tool-stream", "responses-error-401")
_TYPED = ("schema-typed-get-call", "schema-typed-inputs")

JUDGED: tuple[Judgement, ...] = (
    Judgement(1, r"results/0: .* got \{\"error\"", _FAILURES),
    Judgement(2, r"results/0: .* got \{\"error\"", _STREAM_FAILURES),
    Judgement(3, r"results/0: .* got \{\"error\"", ("chat-stream-error",)),
    Judgement(7, r"requests/1/messages/1/content", ("conv-max-tool-calls-zero",)),
    Judgement(8, rf"{_ANY_REQUEST}/(messages|token limit)", ("model-gpt5-plain",)),
    Judgement(11, rf"{_ANY_REQUEST}/messages", ("chat-truncation",)),
    Judgement(15, _TOOL_CALLS, ("prompt-args-error-key",)),
    Judgement(17, _TOOL_CALLS, ("stream-tool-without-index", "stream-two-tools-in-one-chunk")),
    Judgement(21, rf"{_ANY_REQUEST}/model:", ("model-smythos-prefix",)),
    Judgement(22, rf"{_ANY_REQUEST}/(model:|temperature|thinking)", ("anthropic-thinking-tool",)),
    Judgement(24, rf"{_ANY_REQUEST}/(response_format|messages/0)", ("responses-json-format",)),
    Judgement(24, rf"{_ANY_REQUEST}/(temperature|top_p)", ("inner-llm-websearch", "responses-text")),
    Judgement(26, rf"{_ANY_REQUEST}/token limit", _CHATS),
    Judgement(27, rf"{_ANY_REQUEST}/messages/1/content", ("attach-then-tool-round",)),
    Judgement(28, rf"{_ANY_REQUEST}/messages/1/content/0/text", ("attach-image-stream", "attach-pdf-and-txt")),
    Judgement(29, rf"{_ANY_REQUEST}/tools/\d+/parameters/properties/\w+/default", _TYPED),
    Judgement(31, rf"{_ANY_REQUEST}/tools/11/parameters", ("call-lower-method-and-put", "schema-exposure")),
    Judgement(31, r"requests/1/messages/6/content|tool_results/1/1/v", ("call-lower-method-and-put",)),
    Judgement(32, r"requests/1/messages/[34]/content|tool_results/[26]/1/", ("call-lower-method-and-put",)),
    Judgement(33, r"requests/1/messages/3/content|tool_results/0/1/", ("schema-typed-get-call",)),
    Judgement(34, r"requests/2/messages/8/content|tool_results/0/1/result", ("tool-errors",)),
    Judgement(35, r"requests|results|content", ("prompt-empty-text",)),
    Judgement(37, rf"{_ANY_REQUEST}/messages/0/content", ("llm-chat",)),
    Judgement(38, r"results|content", ("model-echo",)),
    Judgement(46, r"requests|results|content|tool_calls|tool_results", ("responses-websearch-call-events",)),
)

#: Transcripts that differ for other reasons; they count as failed.
REMAINING = frozenset({"conv-stop-flag", "inner-llm-error"})


def unjudged(name: str, lines: Iterable[str]) -> list[str]:
    """Return the differences of the transcript ``name`` that nobody meant."""
    judged = [judgement.lines for judgement in JUDGED if name in judgement.transcripts]
    return [line for line in lines if not any(re.match(pattern, line) for pattern in judged)]

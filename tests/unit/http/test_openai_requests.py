"""What requests of OpenAI's APIs ask of an agent."""

from __future__ import annotations

from typing import Any

import pytest

from smyth.http.openai.chat_request import ChatCompletionRequest
from smyth.http.openai.responses_request import ResponseRequest
from smyth.http.openai.wanted import Wanted, session_of

PICTURE = {"type": "image_url", "image_url": {"url": "https://example.com/cat.png", "detail": "low"}}


def chat(*messages: dict[str, Any], **members: Any) -> Wanted:
    return ChatCompletionRequest.model_validate({"model": "m", "messages": list(messages), **members}).wanted()


def response(input: Any, **members: Any) -> Wanted:
    return ResponseRequest.model_validate({"model": "m", "input": input, **members}).wanted()


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def test_the_last_message_is_the_question_and_those_before_are_the_history() -> None:
    wanted = chat(user("one"), {"role": "assistant", "content": "two"}, user("three"))
    assert wanted.message == "three"
    assert wanted.history == [user("one"), {"role": "assistant", "content": "two"}]


def test_pictures_and_files_go_on_as_parts() -> None:
    file = {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AAAA"}}
    text = {"type": "text", "text": "What is it?"}
    assert chat(user([text, PICTURE, file])).message == [text, PICTURE, file]
    assert chat(user([{"type": "image_url", "image_url": "data:image/png;base64,AAAA"}])).message == [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    ]
    parts = [
        {"type": "input_text", "text": "What is it?"},
        {"type": "input_image", "image_url": "https://example.com/cat.png"},
        {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,AAAA"},
    ]
    assert response([user(parts)]).message == [
        text,
        {"type": "image_url", "image_url": {"url": "https://example.com/cat.png"}},
        file,
    ]


def test_results_of_tools_are_gone_on_from() -> None:
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    wanted = chat(
        user("x"),
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "1", "content": [{"type": "text", "text": "done"}]},
    )
    assert wanted.message is None
    assert wanted.history[1] == {"role": "assistant", "content": "", "tool_calls": [call]}
    assert wanted.history[2] == {"role": "tool", "tool_call_id": "1", "content": "done"}


def test_instructions_are_collected_wherever_they_stand() -> None:
    system, developer = {"role": "system", "content": "One."}, {"role": "developer", "content": "Two."}
    assert chat(system, user("x"), developer).instructions == "One.\n\nTwo."
    assert response([developer, user("x")], instructions="One.").instructions == "One.\n\nTwo."


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"type": "text"}, None),
        ({"type": "json_object"}, "json"),
        (
            {"type": "json_schema", "json_schema": {"name": "n", "schema": {}, "strict": True}},
            {"type": "json_schema", "json_schema": {"name": "n", "schema": {}, "strict": True}},
        ),
    ],
)
def test_the_format_of_the_answer(given: dict[str, Any], wanted: Any) -> None:
    assert chat(user("x"), response_format=given).options.response_format == wanted


def test_a_response_has_its_schema_beside_the_type() -> None:
    format = {"type": "json_schema", "name": "n", "schema": {}, "strict": True}
    nested = {"type": "json_schema", "json_schema": {"name": "n", "schema": {}, "strict": True}}
    assert response("x", text={"format": format}).options.response_format == nested


def test_stops_come_alone_or_as_a_list() -> None:
    assert chat(user("x"), stop="a").options.stop == ("a",)
    assert chat(user("x"), stop=["a", "b"]).options.stop == ("a", "b")
    assert chat(user("x"), stop=None).options.stop is None


def test_a_tool_without_parameters_takes_none() -> None:
    (tool,) = chat(user("x"), tools=[{"type": "function", "function": {"name": "f"}}]).tools
    assert tool["function"] == {"name": "f", "parameters": {"type": "object", "properties": {}}}


def test_a_user_of_any_name_has_a_session_of_the_same_name_always() -> None:
    assert session_of("ada-1") == "ada-1"
    assert session_of(None) is session_of("") is None
    assert session_of("ada@example.com") == session_of("ada@example.com") != session_of("bob@example.com")
    assert len(session_of("x" * 1_000) or "") < 128
    assert session_of("half \ud800")

"""Attachments leave a turn before it is stored and come back as they were."""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from smyth.platform.attachments import Attachment, put_back, set_aside, shown, text_of

PNG = "data:image/png;base64,iVBORw0KGgo="
PDF = "data:application/pdf;base64,JVBERi0="

text = st.text(max_size=20)
json_value = st.recursive(
    st.none() | st.booleans() | st.integers() | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=8,
)
data_url = st.builds("data:{};base64,{}".format, text, text)
anything = text | data_url | json_value
part = st.one_of(
    json_value,
    st.fixed_dictionaries({"type": st.just("text"), "text": text}),
    st.fixed_dictionaries({"type": st.just("image_url"), "image_url": st.fixed_dictionaries({"url": anything})}),
    st.fixed_dictionaries({"type": st.just("image_url"), "image_url": anything}),
    st.fixed_dictionaries(
        {"type": st.just("file"), "file": st.fixed_dictionaries({"file_data": anything, "filename": anything})}
    ),
    st.fixed_dictionaries(
        {"type": text, "image_url": st.just({"url": PNG, "attachment": "mine"}), "file": st.just({"file_data": PNG})}
    ),
    st.fixed_dictionaries({"type": text, "input_audio": st.fixed_dictionaries({"data": anything, "format": anything})}),
)
message = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "assistant", "tool"]), "content": st.lists(part, max_size=5) | anything}
)


@given(st.lists(message, max_size=5))
def test_what_goes_in_comes_out(messages: list[dict[str, Any]]) -> None:
    before = copy.deepcopy(messages)
    left, attachments, texts = set_aside(messages)
    assert messages == before
    stored = [Attachment.model_validate_json(one.model_dump_json()) for one in attachments]
    assert put_back([(json.loads(json.dumps(left)), stored)], texts.get) == [before]
    assert set(texts) == {one.sha256 for one in attachments}
    assert not any(url in json.dumps(left) for url in texts.values() if len(url) > 40)


def image(url: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url, "detail": "low"}}


def file(url: str, name: str) -> dict[str, Any]:
    return {"type": "file", "file": {"file_data": url, "filename": name}}


def user(*parts: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(parts)}


def test_the_same_content_is_kept_once() -> None:
    _, attachments, texts = set_aside([user(image(PNG), image(PNG)), user(image(PNG), file(PDF, "a.pdf"))])
    assert len(attachments) == 4
    assert sorted(texts.values()) == [PDF, PNG]


def test_addresses_that_hold_no_content_stay() -> None:
    messages = [user(image("https://example.com/cat.png"), image("smythfs://team/cat.png"))]
    assert set_aside(messages) == (messages, [], {})


def test_older_attachments_are_told_by_name_where_there_is_no_room() -> None:
    turns = [set_aside([user(image(PNG))]), set_aside([user(file(PDF, "report.pdf"))])]
    texts = turns[0][2] | turns[1][2]
    newest, older = put_back([turn[:2] for turn in turns], texts.get, most=len(PNG))
    assert newest == [user(image(PNG))]
    assert older == [user({"type": "text", "text": "[An earlier attachment: report.pdf (application/pdf)]"})]


def test_an_attachment_that_is_gone_is_told() -> None:
    left, attachments, _ = set_aside([user({"type": "text", "text": "See"}, image(PNG))])
    [[message]] = put_back([(left, attachments)], lambda _: None)
    assert message["content"][1] == {"type": "text", "text": "[An earlier attachment: image/png]"}


def test_people_see_names_and_types_and_no_content() -> None:
    messages = [user({"type": "text", "text": "Two"}, image(PNG), file(PDF, "a.pdf"))]
    left, attachments, _ = set_aside(messages)
    assert shown(0, attachments) == [
        {"name": "", "type": "image/png", "size": len(PNG)},
        {"name": "a.pdf", "type": "application/pdf", "size": len(PDF)},
    ]
    assert shown(1, attachments) == []
    assert text_of(left[0]["content"]) == "Two"
    assert set_aside(messages, {PNG: "cat.png"})[1][0].name == "cat.png"

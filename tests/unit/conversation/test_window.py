from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smyth.connectors.models.port import Limits, Message
from smyth.connectors.models.tokens import message_tokens
from smyth.conversation import ConversationError
from smyth.conversation.summary import as_history, as_message
from smyth.conversation.window import fit, output_budget

SMALL = Limits(context_window=2_000, max_output=500)


def user(text: str) -> Message:
    return {"role": "user", "content": text}


def assistant(text: str) -> Message:
    return {"role": "assistant", "content": text}


def test_everything_is_sent_where_there_is_room() -> None:
    history = [user("a"), assistant("b")]
    assert fit(SMALL, "sys", [], history, [user("c")]) == [
        {"role": "system", "content": "sys"},
        user("a"),
        assistant("b"),
        user("c"),
    ]


def test_the_oldest_turns_go_first_and_the_sum_counts() -> None:
    history = [message for number in range(10) for message in (user(f"{number}" * 400), assistant("y" * 400))]
    sent = fit(SMALL, "sys", [], history, [user("now")])
    assert sent[0]["role"] == "system"
    assert sent[1]["role"] == "user"
    assert sent[1:-1] == history[-len(sent[1:-1]) :]
    assert 2 < len(sent) < len(history)
    assert sum(map(message_tokens, sent)) <= 1_500


def test_what_is_sent_begins_with_a_user() -> None:
    history = [user("x" * 6_000), assistant("small"), assistant("small too")]
    assert fit(SMALL, "", [], history, [user("now")]) == [user("now")]


def test_the_newest_message_is_kept_whatever_the_history() -> None:
    assert fit(SMALL, "", [], [user("x" * 60_000)], [user("now")]) == [user("now")]


def test_a_message_that_is_too_long_is_told() -> None:
    with pytest.raises(ConversationError) as error:
        fit(SMALL, "", [], [], [user("x" * 6_000)])
    assert error.value.code == "message_too_long"


def test_a_tool_result_that_is_too_long_is_cut_and_says_so() -> None:
    calls = {"role": "assistant", "content": "", "tool_calls": [{"id": "1"}]}
    current = [user("question"), calls, {"role": "tool", "tool_call_id": "1", "name": "t", "content": "x" * 60_000}]
    sent = fit(SMALL, "", [], [], current)
    assert sent[0] == user("question")
    assert sent[2]["content"].endswith("[The rest was cut: the result is too long.]")
    assert sum(map(message_tokens, sent)) <= 1_500
    assert len(current[2]["content"]) == 60_000


def test_tools_take_their_room_too() -> None:
    tools = [{"type": "function", "function": {"name": "t", "description": "d" * 4_500}}]
    history = [user("x" * 1_200), assistant("y")]
    assert len(fit(SMALL, "", [], history, [user("now")])) == 3
    assert len(fit(SMALL, "", tools, history, [user("now")])) == 1


@pytest.mark.parametrize(("window", "output"), [(8192, 8192), (4096, 100_000)])
def test_a_model_whose_answer_fills_its_window_still_gets_the_message(window: int, output: int) -> None:
    limits = Limits(window, output)
    assert output_budget(limits) == window * 3 // 4
    assert fit(limits, "sys", [], [], [user("hello")])[-1] == user("hello")


@given(st.lists(st.tuples(st.sampled_from(["user", "assistant", "tool"]), st.text(max_size=3_000)), max_size=20))
def test_never_more_than_fits_and_never_without_the_message(spoken: list[tuple[str, str]]) -> None:
    history = [{"role": role, "content": text} for role, text in spoken]
    sent = fit(SMALL, "sys", [], history, [user("now")])
    assert sent[-1]["content"].endswith("now")
    assert sum(map(message_tokens, sent)) <= 1_500
    assert len(sent) == 2 or sent[1]["role"] == "user"


def tool_round(size: int) -> list[Message]:
    calls = [{"id": "1", "type": "function", "function": {"name": "t", "arguments": "{}"}}]
    result = {"role": "tool", "tool_call_id": "1", "name": "t", "content": "r" * size}
    return [{"role": "assistant", "content": "", "tool_calls": calls}, result, assistant("done")]


@given(st.lists(st.integers(0, 3_000), max_size=6), st.integers(0, 2_000))
def test_tool_rounds_are_sent_whole_or_not_at_all(sizes: list[int], now: int) -> None:
    turns = [[user(f"{number}"), *tool_round(size)] for number, size in enumerate(sizes)]
    history = [message for turn in turns for message in turn]
    sent = fit(SMALL, "sys", [], history, [user("n" * now)])
    kept = (len(sent) - 2) // 4
    assert sent[1:-1] == [message for turn in turns[len(turns) - kept :] for message in turn]
    assert sum(map(message_tokens, sent)) <= 1_500


def test_the_system_text_stays_however_long_the_history() -> None:
    history = [message for number in range(500) for message in (user("x" * 90), assistant(f"{number}"))]
    sent = fit(SMALL, "Be kind.", [], history, [user("now")])
    assert sent[0] == {"role": "system", "content": "Be kind."}
    assert sent[-1] == user("now")


def test_pictures_count_as_pictures_and_not_as_their_letters() -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 500_000}}
    history = [{"role": "user", "content": [{"type": "text", "text": "Look"}, picture]}, assistant("A cat")]
    large = Limits(context_window=8_000, max_output=500)
    assert fit(large, "", [], history, [user("Which?")]) == [*history, user("Which?")]


def test_thoughts_count() -> None:
    thoughts = {**assistant("so"), "thinking_blocks": [{"type": "thinking", "thinking": "x" * 8_000}]}
    assert fit(SMALL, "", [], [user("a"), thoughts], [user("now")]) == [user("now")]


def test_a_summary_stays_when_turns_go() -> None:
    history = [*as_history("Ada likes tea.", []), user("x" * 6_000), assistant("long ago"), user("a"), assistant("b")]
    sent = fit(SMALL, "", [], history, [user("now")])
    assert [message["role"] for message in sent] == ["user", "assistant", "user"]
    assert sent[0]["content"].endswith("Ada likes tea.\n\na")
    assert "name" not in sent[0]


def test_a_summary_that_does_not_fit_goes() -> None:
    assert fit(SMALL, "", [], [as_message("s" * 8_000)], [user("now")]) == [user("now")]

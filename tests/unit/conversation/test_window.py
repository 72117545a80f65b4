from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smyth.connectors.models.port import Limits, Message
from smyth.connectors.models.tokens import message_tokens
from smyth.conversation import ConversationError
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

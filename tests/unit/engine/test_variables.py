"""Agent variables and what callers can see of them (ENGINE section 6)."""

from __future__ import annotations

from typing import Any

import pytest

from smyth.connectors.ports import Ports
from smyth.connectors.vault.memory import MemoryVault
from smyth.engine import Limits
from smyth.engine.variables import resolve
from tests.unit.engine.workflows import call, encode, endpoint, keep, output, part, plan

VAULT = MemoryVault({"default": {"TOKEN": "s3cret", "ODD": "{{city}}"}})


async def resolved(own: dict[str, Any], given: dict[str, Any] | None = None) -> tuple[dict[str, Any], frozenset[str]]:
    return await resolve(own, given or {}, VAULT, "default")


async def test_variables_may_mention_each_other_in_any_order() -> None:
    values, secret = await resolved({"a": "<{{b}}>", "b": "{{c}}{{c}}", "c": "x", "n": 5, "o": {"k": "{{c}}"}})
    assert values == {"a": "<xx>", "b": "xx", "c": "x", "n": 5, "o": {"k": "{{c}}"}}
    assert secret == frozenset()


async def test_variables_that_mention_themselves_in_a_circle_end() -> None:
    values, _ = await resolved({"a": "{{b}}", "b": "{{a}}!", "self": "{{self}}{{self}}"})
    assert all("{{" in value for value in values.values())


async def test_only_a_variable_that_is_nothing_but_a_reference_is_read_from_the_vault() -> None:
    values, secret = await resolved({"whole": " {{KEY(TOKEN)}} ", "mixed": "a {{KEY(TOKEN)}}"})
    assert values == {"whole": "s3cret", "mixed": "a {{KEY(TOKEN)}}"}
    assert secret == {"whole"}


async def test_a_missing_secret_leaves_the_reference() -> None:
    assert await resolved({"t": "{{KEY(NOPE)}}"}) == ({"t": "{{KEY(NOPE)}}"}, frozenset())


async def test_what_is_made_of_a_secret_is_a_secret() -> None:
    values, secret = await resolved({"header": "Bearer {{token}}", "line": "{{header}}.", "token": "{{KEY(TOKEN)}}"})
    assert values["line"] == "Bearer s3cret."
    assert secret == {"token", "header", "line"}


async def test_the_text_of_a_secret_is_not_a_template() -> None:
    values, _ = await resolved({"odd": "{{KEY(ODD)}}", "city": "Paris", "line": "{{odd}}"})
    assert values["odd"] == values["line"] == "{{city}}"


async def test_given_variables_win_and_see_neither_vault_nor_secrets() -> None:
    own = {"token": "{{KEY(TOKEN)}}", "who": "me", "line": "by {{who}}"}
    values, _ = await resolved(own, {"who": "{{token}}", "mine": "{{KEY(TOKEN)}}"})
    assert values == {"token": "s3cret", "who": "{{token}}", "mine": "{{KEY(TOKEN)}}", "line": "by {{token}}"}


async def test_a_given_variable_replaces_one_that_mentions_others() -> None:
    assert (await resolved({"a": "own {{b}}", "b": "x"}, {"a": "given"}))[0] == {"a": "given", "b": "x"}


async def test_variables_reach_components_as_inputs_and_real_inputs_win() -> None:
    agent = plan(
        endpoint("t"),
        part("F", "FEncDec", {"action": "Encode", "encoding": "hex"}, inputs=("Trigger",), outputs=("Output!",)),
        encode("G"),
        wires=("E.body.t > F.Trigger", "E.body.t > G.Data"),
        variables={"Data": "a"},
    )
    answer = await call(agent, {"t": "b"})
    assert [entry["result"]["Output"] for entry in answer] == ["61", "62"]


async def test_variables_need_not_be_text() -> None:
    agent = plan(endpoint("a"), output("a"), wires=("E.body.a > O.a",), variables={"n": 5})
    assert await call(agent, {"a": "{{n}}"}) == {"a": "5"}


async def test_given_variables_are_filled_into_values() -> None:
    agent = plan(endpoint("a"), output("a"), wires=("E.body.a > O.a",), variables={"city": "Paris"})
    assert await call(agent, {"a": "{{city}}"}, variables={"city": "Rome"}) == {"a": "Rome"}


@pytest.mark.parametrize("sent", ["{{token}}", "{{header}}", "{{half}}{{other}}", {"k": "{{token}}"}, ["{{token}}"]])
async def test_a_caller_cannot_print_a_secret(sent: Any) -> None:
    """Through the endpoint, a text conversion on the way, a default, and a template of another component."""
    agent = plan(
        endpoint("a"),
        keep("K", type="Text"),
        output({"name": "v", "type": "Text"}, {"name": "w", "defaultVal": "none"}),
        wires=("E.body.a > K.Input", "K.Output > O.v", "E.body.b > O.w"),
        variables={"token": "{{KEY(TOKEN)}}", "header": "Bearer {{token}}", "half": "{{to", "other": "ken}}"},
    )
    answer = await call(agent, {"a": sent}, ports=Ports(vault=VAULT))
    assert "s3cret" not in str(answer)


@pytest.mark.parametrize(
    ("stack", "agent", "expanded"), [(True, True, "Rome"), (False, True, "{{city}}"), (True, False, "{{city}}")]
)
async def test_stack_and_agent_can_each_leave_what_callers_send_untouched(
    stack: bool, agent: bool, expanded: str
) -> None:
    strict = plan(
        endpoint("a"),
        keep("K", type="Text"),
        output("v", {"name": "w", "defaultVal": "from {{city}}"}),
        wires=("E.body.a > K.Input", "K.Output > O.v"),
        variables={"city": "Rome"},
        expandCallerData=agent,
    )
    limits = Limits(expand_caller_data=stack)
    assert await call(strict, {"a": "{{city}}"}, limits=limits) == {"v": expanded, "w": "from Rome"}


async def test_a_caller_cannot_print_a_secret_through_a_default_that_mentions_a_parameter() -> None:
    agent = plan(
        endpoint("a", {"name": "b", "defaultVal": "for {{a}}"}),
        output("b"),
        wires=("E.body.b > O.b",),
        variables={"token": "{{KEY(TOKEN)}}"},
    )
    assert await call(agent, {"a": "{{token}}"}, ports=Ports(vault=VAULT)) == {"b": "for {{token}}"}


async def test_a_default_of_a_component_may_hold_a_secret_and_is_the_authors() -> None:
    agent = plan(
        endpoint("a"),
        output("a", {"name": "w", "defaultVal": "key {{token}}"}),
        wires=("E.body.a > O.a",),
        variables={"token": "{{KEY(TOKEN)}}"},
    )
    assert await call(agent, {"a": 1}, ports=Ports(vault=VAULT)) == {"a": 1, "w": "key s3cret"}


async def test_defaults_see_variables_but_no_other_inputs() -> None:
    agent = plan(
        endpoint("a"),
        output({"name": "v", "defaultVal": "x-{{salt}}-{{a}}"}, "a"),
        wires=("E.body.a > O.a", "E.body.v > O.v"),
        variables={"salt": "pepper"},
    )
    assert await call(agent, {"a": "A"}) == {"v": "x-pepper-{{a}}", "a": "A"}


async def test_the_strict_switch_leaves_values_between_components_alone() -> None:
    agent = plan(
        endpoint("a"), keep("K"), output("a"), wires=("E.body.a > K.Input", "K.Output > O.a"), variables={"v": "x"}
    )
    assert await call(agent, {"a": "{{v}}"}, limits=Limits(expand_caller_data=False)) == {"a": "{{v}}"}

"""Agents that ask other agents and start background branches, through the real handlers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.events import Context, call, caller_context
from tests.unit.engine.workflows import document, encode, endpoint, output, part


def imported(caller: Context, *parts: Any, wires: tuple[str, ...], **members: Any) -> str:
    answer = call("POST", "/api/agents/import", body=document(*parts, wires=wires, **members), caller=caller)
    assert answer.status == 201, answer.content
    return str(answer.json()["id"])


def helper(caller: Context, behavior: str = "I help.") -> str:
    return imported(caller, endpoint("text"), encode("H"), wires=("E.body.text > H.Data",), behavior=behavior)


def asking(caller: Context, agent_id: str, **data: Any) -> str:
    settings = {"agentId": agent_id, "model": "Echo", **data}
    plugin = part("P", "AgentPlugin", settings, inputs=("Prompt",), outputs=("Response!",))
    return imported(
        caller, endpoint("q"), plugin, output("r"), wires=("E.body.q > P.Prompt", "P.Response > O.r"), name="Asker"
    )


def ask(caller: Context, agent_id: str, body: dict[str, Any]) -> Any:
    answer = call("POST", f"/api/agents/{agent_id}/run/go", body=body, caller=caller)
    assert answer.status == 200, answer.content
    return answer.json()


def test_an_agent_asks_another_of_its_tenant(caller: Context) -> None:
    assert ask(caller, asking(caller, helper(caller)), {"q": "Hello"}) == {"r": "Hello"}


def test_the_agents_of_others_are_unknown(caller: Context) -> None:
    foreign = helper(caller_context())
    told = ask(caller, asking(caller, foreign), {"q": "Hello"})["result"]["_error"]
    assert told == f'Error on running Agent Component!\nThere is no agent "{foreign}". Choose one of your agents.'


def test_an_agent_that_is_closed_to_the_asking_one_is_denied_whoever_calls(caller: Context) -> None:
    closed = helper(caller)
    asker = asking(caller, closed)
    access = {"agent:agt-another": ["read"], f"user:{caller['key_id']}": ["owner"]}
    assert call("PATCH", f"/api/agents/{closed}", body={"access": access}, caller=caller).status == 200
    told = ask(caller, asker, {"q": "Hello"})["result"]["_error"]
    assert f"Access Denied: agent:{asker} has no read access to the agent {closed}" in told
    access[f"agent:{asker}"] = ["read"]
    assert call("PATCH", f"/api/agents/{closed}", body={"access": access}, caller=caller).status == 200
    assert ask(caller, asker, {"q": "Hello"}) == {"r": "Hello"}


@pytest.mark.parametrize(("version", "told"), [("prod-latest", "is not deployed"), ("9", 'has no version "9"')])
def test_versions_that_are_none_are_told(caller: Context, version: str, told: str) -> None:
    assert told in ask(caller, asking(caller, helper(caller), version=version), {"q": "x"})["result"]["_error"]


def test_a_published_agent_asks_published_agents(caller: Context) -> None:
    sub = helper(caller)
    asker = asking(caller, sub, version="same-as-parent")
    assert ask(caller, asker, {"q": "x"}) == {"r": "x"}
    assert call("POST", f"/api/agents/{asker}/publish", body={}, caller=caller).status == 200
    assert "is not deployed" in ask(caller, asker, {"q": "x"})["result"]["_error"]
    assert call("POST", f"/api/agents/{sub}/publish", body={}, caller=caller).status == 200
    assert ask(caller, asker, {"q": "x"}) == {"r": "x"}


def test_a_branch_is_done_when_the_answer_comes(caller: Context) -> None:
    agent = imported(
        caller,
        endpoint("x"),
        part("A", "Async", inputs=("x",), outputs=("JobID!", "x")),
        encode("H"),
        output("job"),
        endpoint("j", name="look", identity="E2"),
        part("W", "Await", {"max_time": 1}, inputs=("Jobs",), outputs=("Results!",)),
        wires=("E.body.x > A.x", "A.x > H.Data", "A.JobID > O.job", "E2.body.j > W.Jobs"),
    )
    job = ask(caller, agent, {"x": "a"})["job"]
    answer = call("POST", f"/api/agents/{agent}/run/look", body={"j": job}, caller=caller).json()
    assert answer["result"]["Results"][job]["output"]["result"] == {"Output": "61"}
    other = caller_context()
    copied = imported(
        other,
        endpoint("j"),
        part("W", "Await", {"max_time": 1}, inputs=("Jobs",), outputs=("Results!",)),
        wires=("E.body.j > W.Jobs",),
    )
    assert ask(other, copied, {"j": job})["result"]["Results"] == {job: {"status": "unknown_job"}}

from __future__ import annotations

import json
from typing import Any

import pytest

from smyth.connectors.agents.memory import MemoryAgents
from smyth.connectors.models.port import ModelError, ToolCall
from smyth.connectors.ports import Ports
from smyth.connectors.vault.memory import MemoryVault
from smyth.conversation import AskedTurns
from smyth.document import load
from smyth.engine import Limits, RunResult
from tests.peers.scripted_models import Reply, ScriptedModels, scripted
from tests.unit.engine.workflows import Part, ask, document, encode, endpoint, output, part, plan

FAILED = "Error on running Agent Component!\n"


def asking(*outputs: Any, **data: Any) -> Part:
    settings = {"agentId": "sub", "model": "scripted", "version": "dev-latest", "descForModel": "Help {{Prompt}}"}
    return part("P", "AgentPlugin", settings | data, inputs=("Prompt",), outputs=("Response!", *outputs))


def sub(*parts: Part, wires: tuple[str, ...] = (), **members: Any) -> dict[str, Any]:
    """An agent that turns text to hexadecimal digits by its skill ``hex``, unless other parts are given."""
    if not parts:
        parts = (endpoint({"name": "text", "type": "Text"}, name="hex"), encode("H"), output("hex"))
        wires = ("E.body.text > H.Data", "H.Output > O.hex")
    return document(*parts, wires=wires, **({"id": "sub", "name": "Sub", "behavior": "I am the sub agent."} | members))


def world(*replies: Reply, agents: tuple[dict[str, Any], ...] = (), **ports: Any) -> Ports:
    known = MemoryAgents(map(load, agents or (sub(),)))
    return Ports(models=scripted(*replies), agents=known, conversations=AskedTurns(), **ports)


async def prompt(
    ports: Ports, text: Any = "Hello", plugin: Part | None = None, limits: Limits | None = None, **members: Any
) -> RunResult:
    agent = plan(endpoint("q"), plugin or asking(), wires=("E.body.q > P.Prompt",), **members)
    return await ask(agent, {"q": text}, ports=ports, limits=limits)


def calling(skill: str = "hex", **arguments: Any) -> Reply:
    return Reply(calls=(ToolCall("c1", skill, json.dumps(arguments)),))


def messages(ports: Ports, request: int = -1) -> list[dict[str, Any]]:
    assert isinstance(ports.models, ScriptedModels)
    return ports.models.requests[request].messages


async def test_the_model_is_told_who_it_is_and_gets_the_agents_skills() -> None:
    ports = world(Reply("Fine."))
    result = await prompt(ports)
    assert result.data["result"] == {"Response": "Fine."}
    assert messages(ports) == [
        {"role": "system", "content": "Assistant Name : Sub\n\nHelp Hello"},
        {"role": "user", "content": "Hello"},
    ]
    assert isinstance(ports.models, ScriptedModels)
    assert [tool["function"]["name"] for tool in ports.models.requests[0].tools] == ["hex"]


async def test_a_skill_of_the_agent_is_run_and_all_that_was_used_is_counted() -> None:
    ports = world(calling(text="abc"), Reply("Done."))
    result = await prompt(ports)
    assert result.data["result"] == {"Response": "Done."}
    assert json.loads(messages(ports)[-1]["content"]) == {"hex": "616263"}
    assert len(result.usage) == 2


async def test_an_agent_without_other_words_speaks_by_its_own_behavior() -> None:
    ports = world(Reply("Fine."))
    await prompt(ports, plugin=asking(descForModel=""))
    assert messages(ports)[0]["content"] == "Assistant Name : Sub\n\nI am the sub agent."


async def test_objects_are_asked_as_json_and_json_answers_are_read() -> None:
    ports = world(Reply('{"color": "blue"}'))
    result = await prompt(ports, {"k": [1]})
    assert messages(ports)[1]["content"] == '{"k":[1]}'
    assert result.data["result"] == {"Response": {"color": "blue"}}


async def test_outputs_of_the_author_are_asked_for() -> None:
    ports = world(Reply('{"color": "blue"}'))
    await prompt(ports, plugin=asking({"name": "color", "description": "the color"}))
    assert 'Expected output format = {"color":"<value> (the color)"}' in messages(ports)[1]["content"]


async def test_echo_repeats_the_prompt() -> None:
    ports = Ports(agents=MemoryAgents([load(sub())]), conversations=AskedTurns())
    result = await prompt(ports, plugin=asking({"name": "color"}, model="Echo"))
    assert result.data["result"] == {"Response": "Hello"}


async def test_an_empty_prompt_is_told() -> None:
    assert (await prompt(world(), "")).data["result"] == {"_error": f"{FAILED}Please provide a prompt."}


async def test_an_unknown_agent_is_told() -> None:
    result = await prompt(world(), plugin=asking(agentId="nobody"))
    assert result.data["result"] == {"_error": f'{FAILED}There is no agent "nobody". Choose one of your agents.'}


async def test_a_model_that_fails_is_told_and_what_it_used_is_counted() -> None:
    ports = world(calling(text="a"), Reply("half", error=ModelError("The model is busy.")))
    result = await prompt(ports)
    assert result.data["result"] == {"_error": f"{FAILED}The model is busy."}
    assert len(result.usage) == 2


async def test_without_conversations_it_says_what_to_do() -> None:
    ports = world(Reply("unheard"))
    ports.conversations = None
    assert "smyth.conversation.AskedTurns()" in (await prompt(ports)).data["result"]["_error"]


def recursive(identity: str = "sub") -> dict[str, Any]:
    """An agent whose skill ``again`` asks the agent itself."""
    inner = part(
        "I",
        "AgentPlugin",
        {"agentId": identity, "model": "scripted"},
        inputs=("Prompt",),
        outputs=("Response!",),
    )
    return sub(endpoint("q", name="again"), inner, wires=("E.body.q > I.Prompt",))


async def test_agents_that_ask_themselves_come_to_an_end() -> None:
    ports = world(
        *(calling("again", q="more") for _ in range(4)), *(Reply("Enough.") for _ in range(4)), agents=(recursive(),)
    )
    result = await prompt(ports, limits=Limits(nesting=3))
    assert result.data["result"] == {"Response": "Enough."}
    told = [
        message["content"] for number in range(8) for message in messages(ports, number) if message["role"] == "tool"
    ]
    assert any("its agents nest deeper than 3" in text for text in told)


async def test_components_of_asked_agents_count_on_the_same_run() -> None:
    ports = world(*(calling(text="abc") for _ in range(10)), Reply("Done."))
    await prompt(ports, limits=Limits(components=8))
    assert "8 component runs" in str(messages(ports))


async def test_a_component_runs_a_hundred_times_over_all_calls_of_its_agent() -> None:
    turns = [Reply(calls=tuple(ToolCall(f"c{n}-{i}", "hex", '{"text": "a"}') for i in range(6))) for n in range(17)]
    ports = world(*turns, Reply("Done."))
    result = await prompt(ports)
    assert result.data["result"] == {"Response": "Done."}
    assert messages(ports)[-1]["content"].count("Circular Calls Limit") == 1


async def test_the_asked_agent_reads_the_secrets_of_the_team_that_asks() -> None:
    skill = (endpoint("x", name="tell"), output("x", "secret?"))
    thief = sub(*skill, wires=("E.body.x > O.x",), teamId="victim", variables={"secret": "{{KEY(k)}}"})
    vault = MemoryVault({"victim": {"k": "of the victim"}, "mine": {"k": "of mine"}})
    asked: list[str] = []

    class Watched(MemoryVault):
        async def get(self, team_id: str, name: str) -> str | None:
            asked.append(team_id)
            return await vault.get(team_id, name)

    ports = world(calling("tell", x=1), Reply("Done."), agents=(thief,), vault=Watched())
    await prompt(ports, teamId="mine")
    assert set(asked) == {"mine"}


class Versions(MemoryAgents):
    """Agents of which some are deployed; keeps the versions that it was asked for."""

    def __init__(self, *deployed: str) -> None:
        super().__init__([load(sub())])
        self.deployed = deployed
        self.asked: list[str] = []

    async def document(self, agent_id: str, version: str, *, asked_by: str) -> Any:
        self.asked.append(version)
        if version == "prod-latest" and agent_id not in self.deployed:
            return None
        return await super().document(agent_id, version, asked_by=asked_by)

    async def is_deployed(self, agent_id: str) -> bool:
        return agent_id in self.deployed


@pytest.mark.parametrize(
    ("setting", "deployed", "asked"),
    [
        ("", (), "dev-latest"),
        ("dev-latest", ("agent", "sub"), "dev-latest"),
        ("prod-latest", ("sub",), "prod-latest"),
        ("same-as-parent", (), "dev-latest"),
        ("same-as-parent", ("sub",), "dev-latest"),
        ("same-as-parent", ("agent", "sub"), "prod-latest"),
        (None, ("agent", "sub"), "prod-latest"),
    ],
)
async def test_the_version_follows_the_setting(setting: str | None, deployed: tuple[str, ...], asked: str) -> None:
    agents = Versions(*deployed)
    ports = Ports(models=scripted(Reply("Fine.")), agents=agents, conversations=AskedTurns())
    plugin = asking() if setting is None else asking(version=setting)
    if setting is None:
        del plugin["data"]["version"]
    assert (await prompt(ports, plugin=plugin)).data["result"] == {"Response": "Fine."}
    assert agents.asked == [asked]


async def test_an_agent_that_must_be_deployed_and_is_not_is_told() -> None:
    ports = Ports(models=scripted(), agents=Versions("agent"), conversations=AskedTurns())
    result = await prompt(ports, plugin=asking(version="same-as-parent"))
    assert result.data["result"] == {
        "_error": "Call failed, Agent 'Sub' (sub) is not deployed. Please deploy the agent and try again."
    }


async def test_a_version_that_is_none_is_told() -> None:
    result = await prompt(world(), plugin=asking(version="7"))
    assert result.data["result"] == {"_error": f'{FAILED}The agent "Sub" has no version "7". Choose one that it has.'}


async def test_an_agent_without_an_id_is_a_settings_error() -> None:
    result = await prompt(world(), plugin=asking(agentId=""))
    assert result.data["result"]["_error"].startswith("Schema Validation error")

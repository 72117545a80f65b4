"""What every directory of agents does, whatever is behind it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from smyth.connectors.agents.memory import MemoryAgents
from smyth.connectors.agents.port import DEPLOYED, DEVELOPMENT, AccessDenied, AgentDirectory
from smyth.document import load
from smyth.platform.agent_directory import TenantAgents
from smyth.platform.agent_fields import AgentFields, NewAgent
from smyth.platform.agent_records import Agent, Version
from smyth.platform.agents import Agents

NOBODY = "agt-01jd3r8m8v5v3d3q4k2z8h9y7x"
ASKER = "agt-01jd3r8m8v5v3d3q4k2z8h9y7y"


class Shelf:
    """Agents, versions and bodies of all tenants, in memory."""

    def __init__(self) -> None:
        self.agents: dict[str, Agent] = {}
        self.numbers: dict[tuple[str, int], Version] = {}
        self.bodies: dict[str, bytes] = {}
        self.reads = 0

    def create(self, agent: Agent, version: Version, limit: int | None) -> Agent:
        self.agents[agent.id] = agent
        self.numbers[agent.id, version.number] = version
        return agent

    def taken_slugs(self, tenant_id: str, stem: str) -> set[str]:
        return {agent.slug for agent in self.agents.values() if agent.slug.startswith(stem)}

    def get(self, tenant_id: str, agent_id: str, sha256: str | None = None) -> Any:
        if sha256 is not None:
            self.reads += 1
            return self.bodies[sha256]
        agent = self.agents.get(agent_id)
        return agent if agent and agent.tenant_id == tenant_id else None

    def put(self, tenant_id: str, agent_id: str, sha256: str, body: bytes) -> None:
        self.bodies[sha256] = body

    def add_version(self, agent: Agent, version: Version, seen: Agent) -> bool:
        self.create(agent, version, None)
        return True

    def version(self, tenant_id: str, agent_id: str, number: int) -> Version | None:
        return self.numbers.get((agent_id, number))

    def publish(self, tenant_id: str, agent_id: str, number: int, at: Any) -> bool:
        self.agents[agent_id] = self.agents[agent_id].model_copy(update={"published_version": number})
        return True

    def newest_first(self, tenant_id: str, after: str = "") -> Iterable[Agent]:
        raise NotImplementedError

    versions = delete = newest_first


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def agents(shelf: Shelf) -> Agents:
    return Agents(shelf, shelf)  # type: ignore[arg-type]


@pytest.fixture
def agent(agents: Agents) -> Agent:
    """An agent with two versions, the first published."""
    agent = agents.create("ten-1", NewAgent(name="First"), by="key-1", limit=None)[0]
    agents.publish("ten-1", agent.id)
    return agents.update("ten-1", agent.id, AgentFields(name="Second"), by="key-1")


@pytest.fixture(params=["memory", "tenant"])
def known(request: pytest.FixtureRequest, agents: Agents, agent: Agent) -> tuple[AgentDirectory, str]:
    """A directory, and the id of a deployed agent that it has."""
    if request.param == "tenant":
        return TenantAgents(agents, "ten-1"), agent.id
    return MemoryAgents([load({"id": "one", "name": "Second", "components": [], "connections": []})]), "one"


async def test_a_deployed_agent_is_there_in_development_and_deployed(known: tuple[AgentDirectory, str]) -> None:
    directory, agent_id = known
    assert await directory.is_deployed(agent_id)
    newest = await directory.document(agent_id, DEVELOPMENT, asked_by=ASKER)
    assert newest is not None
    assert newest.name == "Second"
    assert await directory.document(agent_id, DEPLOYED, asked_by=ASKER) is not None


@pytest.mark.parametrize("agent_id", [NOBODY, "", "../x", "no such"])
async def test_an_unknown_agent_is_none(known: tuple[AgentDirectory, str], agent_id: str) -> None:
    directory, _ = known
    assert await directory.document(agent_id, DEVELOPMENT, asked_by=ASKER) is None
    assert not await directory.is_deployed(agent_id)


@pytest.mark.parametrize("version", ["99", "0", "-1", "x", "1.0", ""])
async def test_an_unknown_version_is_none(known: tuple[AgentDirectory, str], version: str) -> None:
    directory, agent_id = known
    assert await directory.document(agent_id, version, asked_by=ASKER) is None


async def test_deployed_is_what_is_published(agents: Agents, agent: Agent) -> None:
    directory = TenantAgents(agents, "ten-1")
    deployed = await directory.document(agent.id, DEPLOYED, asked_by=ASKER)
    assert deployed is not None
    assert deployed.name == "First"


async def test_a_version_is_had_by_its_number(agents: Agents, agent: Agent) -> None:
    directory = TenantAgents(agents, "ten-1")
    names = [
        document.name for number in "12" if (document := await directory.document(agent.id, number, asked_by=ASKER))
    ]
    assert names == ["First", "Second"]


async def test_an_agent_that_was_never_published_is_not_deployed(agents: Agents) -> None:
    agent = agents.create("ten-1", NewAgent(name="New"), by="key-1", limit=None)[0]
    directory = TenantAgents(agents, "ten-1")
    assert not await directory.is_deployed(agent.id)
    assert await directory.document(agent.id, DEPLOYED, asked_by=ASKER) is None
    assert await directory.document(agent.id, DEVELOPMENT, asked_by=ASKER) is not None


async def test_the_agents_of_other_tenants_are_unknown(agents: Agents, agent: Agent) -> None:
    directory = TenantAgents(agents, "ten-2")
    assert await directory.document(agent.id, DEVELOPMENT, asked_by=ASKER) is None
    assert not await directory.is_deployed(agent.id)


async def test_documents_in_use_are_read_once(agents: Agents, agent: Agent, shelf: Shelf) -> None:
    directory = TenantAgents(agents, "ten-1")
    first = await directory.document(agent.id, DEVELOPMENT, asked_by=ASKER)
    reads = shelf.reads
    assert await directory.document(agent.id, DEVELOPMENT, asked_by=ASKER) is first
    assert shelf.reads == reads


async def test_an_agent_that_others_may_not_read_is_denied_to_them(agents: Agents) -> None:
    mine = agents.create("ten-1", NewAgent(name="Mine"), by="k", limit=None, access={f"agent:{ASKER}": ["read"]})[0]
    directory = TenantAgents(agents, "ten-1")
    assert await directory.document(mine.id, DEVELOPMENT, asked_by=ASKER) is not None
    with pytest.raises(AccessDenied, match="Access Denied"):
        await directory.document(mine.id, DEVELOPMENT, asked_by=NOBODY)

"""Skills added to an agent by API: which sources are taken, and the agent's new version."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from smyth.document import unwrap
from smyth.platform.acl import PLATFORM, Asker
from smyth.platform.agent_records import Agent
from smyth.platform.agents import Agents
from smyth.platform.errors import Invalid
from smyth.platform.openapi_skills import OpenAPISource, chains, fetch_spec, needs_key
from smyth.platform.skill_chains import Chain, SkillInput, Step, add_chain

#: What the original takes as the path of an endpoint.
ENDPOINT = r"^[a-zA-Z0-9_]+([-_][a-zA-Z0-9_]+)*$"


class NewSkill(BaseModel):
    """The body of ``POST /api/skills/add``: either ``steps`` and ``output``, or ``openapi``."""

    model_config = ConfigDict(extra="forbid")

    agent_id: str = Field(max_length=80)
    name: Annotated[str, Field(pattern=ENDPOINT, max_length=50)] | None = Field(
        default=None, description="Its endpoint. For an OpenAPI source with several operations the prefix of theirs."
    )
    description: str = Field(default="", max_length=5000, description="Tells a model when and how to call the skill.")
    method: Literal["GET", "POST"] = "POST"
    inputs: list[SkillInput] = Field(default_factory=list, max_length=50)
    steps: list[Step] | None = Field(default=None, min_length=1, max_length=50)
    output: dict[str, str] | None = Field(
        default=None, min_length=1, description='The answer: a name for each value, such as {"sha256": "digest.Hash"}.'
    )
    openapi: OpenAPISource | None = None
    code: Any = Field(default=None, description="Not taken by this version.")
    mcp: Any = Field(default=None, description="Not taken by this version.")


@dataclass(frozen=True, slots=True)
class Added:
    """What came of it."""

    agent: Agent
    skills: list[Chain]
    warnings: list[dict[str, Any]]


def add_skill(
    agents: Agents,
    tenant_id: str,
    skill: NewSkill,
    *,
    by: str,
    asker: Asker = PLATFORM,
    allow_private: bool = False,
) -> Added:
    """Add the skills that ``skill`` asks for to an agent, as one new version; blocks, so call it in a thread.

    Adding the same skill again changes nothing.

    Args:
        agents: The use cases of agents.
        tenant_id: Whose agent it is.
        skill: What is asked for.
        by: The key that asks.
        asker: As whom it asks.
        allow_private: Whether an OpenAPI document may be fetched from a private address, as on a laptop.

    Raises:
        NotFound: The tenant has no such agent.
        Forbidden: The asker may not write the agent.
        Conflict: The agent has a skill of this name, or others keep changing it.
        Invalid: The skill has an error; nothing was stored.
    """
    check_source(skill)
    agents.get(tenant_id, skill.agent_id, asker, "write")
    wanted, notes = _chains(skill, allow_private=allow_private)

    def edit(document: dict[str, Any]) -> dict[str, Any]:
        for chain in wanted:
            add_chain(unwrap(document), chain)
        return document

    agent, warnings = agents.edit(tenant_id, skill.agent_id, edit, by=by, asker=asker)
    return Added(agent, wanted, [*notes, *warnings])


def check_source(skill: NewSkill) -> None:
    """Refuse a skill that has no source, several, or one that this version does not take.

    Raises:
        Invalid: It says which sources are taken.
    """
    taken = 'Give "steps" with "output", or "openapi".'
    for name in ("code", "mcp"):
        if getattr(skill, name) is not None:
            raise Invalid(f'This version takes no skills from "{name}". {taken}')
    if (skill.steps is None) == (skill.openapi is None):
        raise Invalid(f"A skill has one source. {taken}")
    if skill.steps is not None and (skill.name is None or skill.output is None):
        raise Invalid('A skill made of "steps" needs a "name" and an "output".')
    if skill.openapi is not None and (skill.inputs or skill.output):
        raise Invalid('With "openapi" the inputs and outputs come from the API: leave out "inputs" and "output".')


def _chains(skill: NewSkill, *, allow_private: bool) -> tuple[list[Chain], list[dict[str, Any]]]:
    """Return the skills to add, and what the caller should know about their source."""
    source = skill.openapi
    if source is None:
        assert skill.name is not None
        assert skill.steps is not None
        assert skill.output is not None
        return [Chain(skill.name, skill.description, skill.method, skill.inputs, skill.steps, skill.output)], []
    if (source.spec is None) == (source.url is None):
        raise Invalid('"openapi" needs either "spec" or "url".')
    spec = source.spec
    if spec is None:
        spec = asyncio.run(fetch_spec(source.url or "", allow_private=allow_private))
    found = chains(source, spec, name=skill.name)
    if skill.description and len(found) == 1:
        found = [replace(found[0], description=skill.description)]
    if needs_key(spec) and not source.headers:
        told = (
            "The API asks for authentication and no headers were given. Add the skill with "
            '"headers" such as {"Authorization": "Bearer {{KEY(name)}}"}, or its calls may be refused.'
        )
        return found, [{"level": "warning", "code": "api_needs_key", "message": told}]
    return found, []

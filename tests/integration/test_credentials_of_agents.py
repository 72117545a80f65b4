"""What agents get of their tenant's credentials, and that nobody gets them by asking an agent."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Iterator
from typing import Any

import pytest

from smyth.connectors.models.catalog import Catalog
from smyth.connectors.models.entry import ModelEntry
from smyth.connectors.models.gateway import ModelGateway
from smyth.connectors.vault.tokens import NotRenewed, Token
from smyth.http.services import services
from smyth.testing import ModelServer
from tests.integration.events import Answer, Context, call, caller_context
from tests.integration.hash_agents import HASH_AGENT, import_agent
from tests.integration.talkers import talker

SECRET = "s3cret-of-the-vault"
REFERENCE = "{{KEY(house)}}"

pytestmark = pytest.mark.xdist_group("litellm")


@pytest.fixture(autouse=True)
def _cold(caller: Context) -> Iterator[None]:
    """Let each test read its credentials anew."""
    vars(services()).pop("kept_vaults", None)
    yield
    vars(services()).pop("kept_vaults", None)


def give(caller: Context, name: str = "house", value: str = SECRET, **members: Any) -> None:
    answer = call("PUT", f"/api/credentials/{name}", body={"value": value, **members}, caller=caller)
    assert answer.status == 200, answer.content


def hasher(caller: Context) -> str:
    """An agent that tells the hash of its variable, which is one of the vault, and of what it is sent."""
    document = json.loads(json.dumps(HASH_AGENT)) | {"variables": {"token": REFERENCE}}
    document["components"][1]["inputs"] = [
        {"name": "Sent", "type": "Any", "index": 0},
        {"name": "Data", "type": "Any", "default": True, "index": 1, "defaultVal": "{{token}}"},
    ]
    agent_id: str = import_agent(caller, document)["id"]
    return agent_id


def run(caller: Context, agent_id: str, **members: Any) -> Answer:
    return call("POST", f"/api/agents/{agent_id}/run/hash", body={"data": "x", **members}, caller=caller)


def md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def test_an_agents_settings_read_the_tenants_credential(caller: Context) -> None:
    give(caller)
    agent = hasher(caller)
    assert md5(SECRET) in run(caller, agent).content.decode()
    stranger = caller_context()
    assert md5(SECRET) not in run(stranger, hasher(stranger)).content.decode()


def test_a_credential_for_one_agent_reaches_no_other(caller: Context) -> None:
    first, second = hasher(caller), hasher(caller)
    give(caller, access={f"agent:{first}": ["read"]})
    assert md5(SECRET) in run(caller, first).content.decode()
    assert md5(SECRET) not in run(caller, second).content.decode()


@pytest.mark.parametrize("sent", [REFERENCE, "{{{{KEY(house)}}}}", "KEY(house)", "{{token}}", "{{KEY({{name}})}}"])
def test_callers_cannot_reach_a_credential(caller: Context, sent: str) -> None:
    give(caller)
    document = json.loads(json.dumps(HASH_AGENT)) | {"variables": {"token": REFERENCE, "name": "house"}}
    agent = import_agent(caller, document)["id"]
    echo = talker(caller, behavior="Repeat.")
    assert (
        md5(SECRET)
        not in call("POST", f"/api/agents/{agent}/run/hash", body={"data": sent}, caller=caller).content.decode()
    )
    answers = [
        call("POST", f"/api/agents/{agent}/run/hash?data={sent}", body={"data": {"deep": [sent]}}, caller=caller),
        call("POST", f"/api/agents/{echo}/prompt", body={"message": sent}, caller=caller),
        call("POST", f"/api/agents/{echo}/prompt", body={"message": "x", "variables": {"v": sent}}, caller=caller),
        call("POST", f"/api/agents/{echo}/chat", body={"message": sent}, caller=caller),
    ]
    for answer in answers:
        assert SECRET not in answer.content.decode()
        assert md5(SECRET) not in answer.content.decode()


def test_the_tenants_key_is_asked_with_before_the_stacks(caller: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    with ModelServer() as server:
        catalog = Catalog({"m": ModelEntry.model_validate({"provider": "OpenAI", "model": "m"})})
        environment = {"OPENAI_API_KEY": "sk-of-the-stack", "OPENAI_BASE_URL": server.base_url}
        vault = services().models._asking.keys._vault
        models = ModelGateway(catalog, vault, environment=environment, retries=0, allow_private=True)
        monkeypatch.setitem(vars(services()), "models", models)
        give(caller, "openai", "sk-of-the-tenant")
        for who in (caller, caller_context()):
            answer = call("POST", f"/api/agents/{talker(who, model='m')}/prompt", body={"message": "Hi"}, caller=who)
            assert answer.status == 200, answer.content
        asked = [headers["authorization"] for headers in server.headers]
    assert asked == ["Bearer sk-of-the-tenant", "Bearer sk-of-the-stack"]


def test_thirty_two_callers_refresh_a_token_once(caller: Context) -> None:
    give(caller)
    asked: list[str] = []

    async def renew(kept: Token | None) -> Token:
        refresh = kept.refresh if kept else "r0"
        asked.append(refresh)
        if refresh != f"r{len(asked) - 1}":
            raise NotRenewed("this refresh token was used before")
        return Token(f"a{len(asked)}", f"r{len(asked)}")

    async def all_at_once(wanted: str) -> set[str]:
        functions = [services().tokens(caller["tenant_id"]) for _ in range(32)]
        asking = [one.current("place", lambda token: token.access == wanted, renew) for one in functions]
        return {token.access for token in await asyncio.gather(*asking)}

    assert asyncio.run(all_at_once("a1")) == {"a1"}
    assert asyncio.run(all_at_once("a2")) == {"a2"}
    assert asked == ["r0", "r1"]

"""For every route: another tenant, a lower role, a key of other agents or routes, and nobody get nothing of a tenant.

Made from the route table and from what the routes say of their parameters: a new one without a rule fails here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from functions.openapi import build
from smyth.platform.access import ROLES
from smyth.platform.routes import ROUTES, Route
from tests.integration.events import OPERATOR, Answer, Context, call
from tests.integration.isolation.rules import RULES, Rule
from tests.integration.isolation.world import SHOWN, World, make_world, person

#: Members of queries and bodies that name things; those that end with ``_id`` do anyway.
NAMING = {"agent", "agents", "code", "credential", "fallbacks", "model", "namespace", "scope", "session", "user"}
#: What names nothing that could be another's: the code is the invitation itself, for whoever has it.
BEARERS = {("POST /api/invitations/accept", "body.code"), ("POST /api/skills/add", "body.code")}

BY_NAME = {f"{route.method} {route.path}": route for route in ROUTES}
ROUTE = pytest.mark.parametrize("name", BY_NAME)


@pytest.fixture(scope="module")
def victim() -> World:
    return make_world()


@pytest.fixture(scope="module")
def attacker() -> World:
    return make_world()


class Held:
    """Looks at a world before and after."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._before = world.state()

    def check_answer(self, answer: Answer) -> None:
        """Nothing of the world is told; that an answer repeats the user whom the request named is no news."""
        repeated = f'"user":"{self._world.mark}"'.encode()
        assert self._world.mark.encode() not in answer.content.replace(repeated, b"", 1), answer.content[:500]

    def check_state(self) -> None:
        """Nothing of the world was changed."""
        assert self._world.state() == self._before


@cache
def document() -> dict[str, Any]:
    return build()


def naming_parameters(route: Route) -> set[str]:
    """The parameters of a route that name things, by what the route says of itself."""
    schemas = document()["components"]["schemas"]
    operation = document()["paths"][route.path][route.method.lower()]
    found = {f"path.{part[1:-1]}" for part in route.path.split("/") if part.startswith("{")}
    for one in operation.get("parameters", []):
        if one.get("in") == "query" and _names(one["name"]):
            found.add(f"query.{one['name']}")
    for content in operation.get("requestBody", {}).get("content", {}).values():
        found |= {f"body.{member}" for member in _members(content.get("schema", {}), schemas) if _names(member)}
    return found


def _members(schema: dict[str, Any], schemas: dict[str, Any]) -> Iterator[str]:
    while "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    yield from schema.get("properties", {})
    for key in ("anyOf", "oneOf", "allOf"):
        for one in schema.get(key, []):
            yield from _members(one, schemas)


def _names(member: str) -> bool:
    return member.endswith("_id") or member in NAMING


def send(name: str, caller: Context | None, own: dict[str, str], foreign: dict[str, str] | None = None) -> Answer:
    """Send a route's good request with the names of ``own``, and with those of ``foreign`` in their places."""
    route, rule = BY_NAME[name], RULES[name]
    put: dict[str, dict[str, str]] = {"path": {}, "query": {}, "body": {}}
    for place, value in (foreign or {}).items():
        kind, _, parameter = place.partition(".")
        put[kind][parameter] = value
    path = route.path
    for parameter, value in (own | put["path"]).items():
        path = path.replace(f"{{{parameter}}}", quote(value, safe=":"))
    query = "&".join(filter(None, [rule.query, urlencode(put["query"])]))
    body = _filled(rule.body, own)
    if put["body"]:
        body = (body or {}) | {
            member: [value] if member in ("agents", "fallbacks") else value for member, value in put["body"].items()
        }
    headers = SHOWN | rule.headers
    return call(route.method, f"{path}?{query}", caller=caller, body=body, headers=headers, function=route.function)


def _filled(body: Any, own: dict[str, str]) -> Any:
    if body is None:
        return None
    text = json.dumps(body)
    for name, value in own.items():
        text = text.replace(f'"{{{name}}}"', json.dumps(value))
    return json.loads(text)


def foreign_name(parameter: str, world: World) -> str:
    """The victim's name of what a parameter names."""
    _, _, name = parameter.partition(".")
    if name in ("model", "fallbacks", "credential") and parameter.startswith(("body", "query")):
        return world.names["name"]
    return {"agents": world.names["agent_id"], "user": world.mark, "session": world.mark}.get(name) or world.names[name]


def good_caller(rule: Rule, world: World) -> Context | None:
    match rule.least:
        case "public":
            return None
        case "operator":
            return OPERATOR
        case "person":
            return person("somebody else")
    return world.as_role(rule.least)


def others(rule: Rule, world: World) -> Iterator[tuple[str, Context | None, int]]:
    """Everybody who may not send a route's good request: what is wrong with them, and the answer they get."""
    yield "nobody", None, 401
    if rule.least == "person":
        return
    yield "a person of no tenant", person("nobody"), 403
    yield "a role that is none", world.as_role("unheard-of"), 403
    for role in ROLES if rule.least == "operator" else ROLES[: ROLES.index(rule.least)]:
        yield role, world.as_role(role), 403
    if rule.least != "operator":
        yield "suspended", world.owner | {"status": "suspended"}, 403
        yield "erasing", world.owner | {"status": "erasing"}, 403
        yield "a key of other routes", world.owner | {"routes": json.dumps(["GET /api/agents/{agent_id}/none"])}, 403


def test_every_route_has_a_rule_and_every_rule_a_route() -> None:
    assert set(RULES) == set(BY_NAME)


def test_every_parameter_that_names_a_thing_has_a_rule() -> None:
    missing = {
        (name, one)
        for name, route in BY_NAME.items()
        for one in naming_parameters(route)
        if (name, one) not in BEARERS and one not in RULES[name].foreign and RULES[name].least != "operator"
    } | {(name, "path.tenant_id") for name in BY_NAME if "{tenant_id}" in name and not RULES[name].foreign}
    assert missing == set()


def test_the_gateway_lets_in_whom_the_rules_name() -> None:
    for name, route in BY_NAME.items():
        least = RULES[name].least
        assert route.auth == (least if least in ("public", "operator", "person") else "tenant"), name


@ROUTE
def test_who_may_call_it_gets_what_it_is_for(name: str, victim: World) -> None:
    """Else the refusals below would prove nothing: their requests differ in the caller or in one name only."""
    rule = RULES[name]
    world = make_world() if rule.takes else victim
    answer = send(name, good_caller(rule, world), world.names)
    assert answer.status in ((rule.always,) if rule.always else rule.good), answer.content


@pytest.mark.parametrize("name", [name for name, rule in RULES.items() if rule.foreign])
def test_the_things_of_another_tenant_cannot_be_reached(name: str, victim: World, attacker: World) -> None:
    rule = RULES[name]
    attacker = make_world() if rule.stays else attacker
    held = Held(victim)
    caller = attacker.owner if rule.least != "public" else None
    for parameter, expected in rule.foreign.items():
        answer = send(name, caller, attacker.names, {parameter: foreign_name(parameter, victim)})
        held.check_answer(answer)
        if rule.always:
            assert answer.status == rule.always
        elif expected == "refused":
            assert answer.status in (403, 404), (parameter, answer.content)
        elif expected == "unknown":
            assert answer.status in (404, 422), (parameter, answer.content)
        else:
            assert answer.status < 500, (parameter, answer.content)
    held.check_state()


@pytest.mark.parametrize("name", [name for name, rule in RULES.items() if rule.least != "public" and not rule.always])
def test_whoever_may_not_call_it_gets_nothing_and_changes_nothing(name: str, victim: World) -> None:
    rule = RULES[name]
    held = Held(victim)
    for who, caller, status in others(rule, victim):
        answer = send(name, caller, victim.names)
        assert answer.status == status, (who, answer.content)
        held.check_answer(answer)
    held.check_state()


@pytest.mark.parametrize("name", [name for name, rule in RULES.items() if rule.least in ROLES and not rule.always])
def test_a_key_of_other_agents_gets_nothing_of_an_agent(name: str, victim: World) -> None:
    rule = RULES[name]
    held = Held(victim)
    limited = victim.owner | {"agents": json.dumps([victim.names["other_agent"]])}
    answer = send(name, limited, victim.names)
    held.check_answer(answer)
    held.check_state()
    assert answer.status in ((200,) if rule.for_agent_keys else (403, 404)), answer.content


def agent_parameters(rule: Rule) -> set[str]:
    """The parameters of a route that name an agent."""
    named = {one for one in rule.foreign if one.endswith(".agent_id") or one == "path.model"}
    return named | ({"body.model"} if (rule.body or {}).get("model") == "{agent_id}" else set())


def but_refused_requests(state: dict[str, Any]) -> dict[str, Any]:
    """A state without the ledger's entries of requests that were given back."""
    released = {"S": "released"}
    return {at: one for at, one in state.items() if not (isinstance(one, dict) and one.get("status") == released)}


@pytest.mark.parametrize("name", [name for name, rule in RULES.items() if agent_parameters(rule) and not rule.always])
def test_an_agent_that_is_closed_to_a_key_gives_it_nothing(name: str, victim: World) -> None:
    """Of the same tenant, with the role for the route: only the agent's access stands between."""
    before = but_refused_requests(victim.state())
    stranger = victim.as_role("developer") | {"key_id": "key-stranger"}
    for parameter in agent_parameters(RULES[name]):
        answer = send(name, stranger, victim.names, {parameter: victim.names["closed_agent"]})
        assert answer.status in (403, 404), (parameter, answer.content)
        assert victim.mark.encode() not in answer.content, answer.content[:500]
    assert but_refused_requests(victim.state()) == before


def test_lists_leave_out_agents_that_are_closed_to_a_key(victim: World) -> None:
    stranger = victim.as_role("developer") | {"key_id": "key-stranger"}
    for name in ("GET /api/agents", "GET /v1/models"):
        assert victim.names["closed_agent"].encode() in send(name, victim.owner, victim.names).content
        assert victim.names["closed_agent"].encode() not in send(name, stranger, victim.names).content

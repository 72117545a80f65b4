"""Sign-in by Cognito, where a customer wants it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from smyth.connectors.identity.issuers import read_issuers
from smyth.platform.access import ROLES
from tests.infra.conftest import Stack, plain

pytestmark = pytest.mark.xdist_group("infra")


def _issuers(stack: Stack) -> list[dict[str, Any]]:
    """What the authorizer is told; the others need not know."""
    told = {
        name: made["Environment"]["Variables"]["SMYTH_ISSUERS"]
        for name, made in stack.functions().items()
        if "SMYTH_ISSUERS" in made.get("Environment", {}).get("Variables", {})
    }
    assert set(told) == {"authorizer"}
    return list(json.loads(plain(told["authorizer"])))


def _clients(stack: Stack) -> dict[str, tuple[str, dict[str, Any]]]:
    found = stack.of("AWS::Cognito::UserPoolClient").items()
    return {client["ClientName"].removeprefix("smyth-demo-"): (id, client) for id, client in found}


def test_nobody_signs_in_unless_the_customer_wants_it(demo: Stack) -> None:
    assert not [found for found in demo.resources.values() if found["Type"].startswith("AWS::Cognito")]
    assert _issuers(demo) == []


def test_the_authorizer_takes_tokens_of_the_pool_for_its_clients_and_of_further_issuers(full: Stack) -> None:
    [pool] = full.of("AWS::Cognito::UserPool")
    own, further = _issuers(full)
    assert own["issuer"] == f"https://cognito-idp.{{AWS::Region}}.{{AWS::URLSuffix}}/{{{pool}}}"
    assert set(own["audience"]) == {f"{{{id}}}" for id, _ in _clients(full).values()}
    assert further == {"issuer": "https://login.example.com", "audience": ["smyth"]}
    url = own["issuer"].replace("{AWS::Region}", "eu-central-1").replace("{AWS::URLSuffix}", "amazonaws.com")
    assert len(read_issuers([own | {"issuer": url.format(**{pool: "eu-central-1_a"})}, further])) == 2


def test_people_prove_their_address_and_show_a_second_factor(full: Stack) -> None:
    pool = full.only("AWS::Cognito::UserPool")
    assert pool["AutoVerifiedAttributes"] == pool["UsernameAttributes"] == ["email"]
    assert pool["MfaConfiguration"] == "ON"
    assert pool["AdminCreateUserConfig"] == {"AllowAdminCreateUserOnly": True}
    assert pool["Policies"]["PasswordPolicy"]["MinimumLength"] == 12
    _, people = _clients(full)["people"]
    assert people["GenerateSecret"] is False
    assert people["AllowedOAuthFlows"] == ["code"]
    assert not {"ALLOW_USER_PASSWORD_AUTH", "ALLOW_ADMIN_USER_PASSWORD_AUTH"} & set(people["ExplicitAuthFlows"])


def test_machines_fetch_tokens_that_are_limited_to_a_role(full: Stack) -> None:
    _, machine = _clients(full)["crm"]
    assert machine["GenerateSecret"] is True
    assert machine["AllowedOAuthFlows"] == ["client_credentials"]
    assert machine["AllowedOAuthScopes"] == [f"smyth/{role}" for role in ROLES]
    server = full.only("AWS::Cognito::UserPoolResourceServer")
    assert (server["Identifier"], [scope["ScopeName"] for scope in server["Scopes"]]) == ("smyth", list(ROLES))
    assert full.template["Outputs"]["TokenUrl"]


def test_without_pages_and_machines_there_is_no_domain(synthesised: Callable[..., Stack]) -> None:
    bare = synthesised("laptop", identity={"second_factor": False}, data={"keep": True})
    kinds = [found["Type"] for found in bare.resources.values() if found["Type"].startswith("AWS::Cognito")]
    assert sorted(kinds) == ["AWS::Cognito::UserPool", "AWS::Cognito::UserPoolClient"]
    [pool] = [found for found in bare.resources.values() if found["Type"] == "AWS::Cognito::UserPool"]
    assert pool["Properties"]["MfaConfiguration"] == "OPTIONAL"
    assert pool["DeletionPolicy"] == "Retain"
    assert pool["Properties"]["DeletionProtection"] == "ACTIVE"

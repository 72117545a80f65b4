"""Fetched tokens: one caller renews, all others get what it got."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from functools import partial

import pytest

from smyth.aws.table import Table
from smyth.aws.tenant_vault import KeptVaults
from smyth.aws.tokens import DynamoTokens
from smyth.aws.vault import SecretsVault
from smyth.connectors.vault.rotation import RotationHook
from smyth.connectors.vault.tokens import MemoryTokens, NotRenewed, Token, Tokens
from smyth.platform.access import Caller
from smyth.platform.credential_records import CredentialFields
from smyth.platform.credentials import Credentials
from tests.unit.vault.test_secrets_vault import Receiver

CALLERS = 32


@dataclass
class Server:
    """A token server that takes each refresh token once."""

    asked: list[str] = field(default_factory=list)
    refuses: bool = False

    async def renew(self, kept: Token | None) -> Token:
        refresh = kept.refresh if kept else "r0"
        self.asked.append(refresh)
        await asyncio.sleep(0)  # Others come to look while the server thinks.
        if self.refuses or refresh != f"r{len(self.asked) - 1}":
            raise NotRenewed("the server refused")
        return Token(f"a{len(self.asked)}", f"r{len(self.asked)}", None)


@pytest.fixture(params=["memory", "table", "table without secrets"])
async def functions(request: pytest.FixtureRequest, table: Table, vault: SecretsVault) -> list[Tokens]:
    """What several functions know of one tenant's tokens: each its own, the table is common."""
    if request.param == "memory":
        return [MemoryTokens()] * 4
    if request.param == "table":
        await _give_secrets(vault)
        return [_tokens(table, vault) for _ in range(4)]
    unsealed = MemoryTokens()
    return [DynamoTokens(table, KeptVaults(vault), unsealed, "ten-1")] * 4


async def _give_secrets(vault: SecretsVault) -> None:
    owner = Caller(tenant_id="ten-1", role="owner", key_id="key-1")
    fields = CredentialFields.model_validate({"value": "x"})
    await Credentials(vault, RotationHook(Receiver())).put(owner, "any", fields)


def _tokens(table: Table, vault: SecretsVault, now: float = 1_000.0) -> DynamoTokens:
    return DynamoTokens(table, KeptVaults(vault), MemoryTokens(), "ten-1", clock=lambda: now, sleep=_turn)


def _is(access: str, token: Token) -> bool:
    return token.access == access


async def _turn(_: float) -> None:
    await asyncio.sleep(0)


async def test_many_callers_make_one_renewal(functions: list[Tokens]) -> None:
    server = Server()
    asking = [
        functions[number % len(functions)].current("place", lambda token: token.access == "a1", server.renew)
        for number in range(CALLERS)
    ]
    assert {token.access for token in await asyncio.gather(*asking)} == {"a1"}
    assert server.asked == ["r0"]


async def test_rotating_refresh_tokens_survive_one_renewal_after_the_other(functions: list[Tokens]) -> None:
    server = Server()
    for turn in range(1, 4):
        wanted = partial(_is, f"a{turn}")
        asking = [tokens.current("place", wanted, server.renew) for tokens in functions * 4]
        assert {token.access for token in await asyncio.gather(*asking)} == {f"a{turn}"}
    assert server.asked == ["r0", "r1", "r2"]


async def test_a_refusal_is_told_to_all_who_wait_and_asked_for_once(functions: list[Tokens]) -> None:
    server = Server(refuses=True)
    asking = [tokens.current("place", lambda _: True, server.renew) for tokens in functions * 4]
    said = await asyncio.gather(*asking, return_exceptions=True)
    assert {str(error) for error in said} == {"the server refused"}
    assert len(server.asked) == 1


async def test_a_caller_that_is_cancelled_does_not_lose_the_token(functions: list[Tokens]) -> None:
    answer = asyncio.Event()
    begun = asyncio.Event()

    async def renew(_: Token | None) -> Token:
        begun.set()
        await answer.wait()
        return Token("a1", "r1")

    impatient = asyncio.ensure_future(functions[0].current("place", lambda _: True, renew))
    await begun.wait()
    impatient.cancel()
    answer.set()
    with pytest.raises(asyncio.CancelledError):
        await impatient

    async def never(_: Token | None) -> Token:
        raise AssertionError("the token was renewed twice")

    assert (await functions[1].current("place", lambda _: True, never)).access == "a1"


async def test_a_renewal_whose_function_died_is_taken_over(table: Table, vault: SecretsVault) -> None:
    await _give_secrets(vault)
    assert _tokens(table, vault)._take("place", {}, "one that dies")
    server = Server()
    alive = _tokens(table, vault, now=1_061.0)
    assert (await alive.current("place", lambda _: True, server.renew)).access == "a1"


async def test_tokens_lie_sealed(table: Table, vault: SecretsVault) -> None:
    await _give_secrets(vault)

    async def renew(_: Token | None) -> Token:
        return Token("acc3ss-token", "r3fresh-token")

    await _tokens(table, vault).current("place", lambda _: True, renew)
    items = str(table.client.scan(TableName="t")["Items"])
    assert "TOKEN#place" in items
    assert "acc3ss" not in items
    assert "r3fresh" not in items

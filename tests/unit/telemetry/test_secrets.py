"""What is taken out of texts."""

from __future__ import annotations

from smyth.connectors.telemetry.secrets import KnownSecrets
from smyth.connectors.vault.memory import MemoryVault


async def known(*values: str) -> KnownSecrets:
    secrets = KnownSecrets(MemoryVault({"team": {str(number): value for number, value in enumerate(values)}}))
    for number, value in enumerate(values):
        assert await secrets.get("team", str(number)) == value
    return secrets


async def test_only_what_was_asked_for_is_known() -> None:
    secrets = KnownSecrets(MemoryVault({"team": {"a": "alpha", "b": "beta"}}))
    assert secrets.hide("alpha beta") == "alpha beta"
    await secrets.get("team", "a")
    assert await secrets.get("team", "none") is None
    assert secrets.hide("alpha beta") == "*** beta"


async def test_of_two_secrets_where_one_begins_the_other_both_go_whole() -> None:
    assert (await known("key", "key-of-the-house")).hide("key-of-the-house, key") == "***, ***"


async def test_a_short_secret_goes_as_well_as_one_with_signs_that_patterns_know() -> None:
    assert (await known("7", ".*")).hide("a7b.*c") == "a***b***c"


async def test_an_empty_secret_hides_nothing() -> None:
    assert (await known("", "  ")).hide("any text") == "any text"

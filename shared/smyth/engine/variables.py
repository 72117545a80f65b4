"""Agent variables: merged, read from the vault, filled into each other (ENGINE section 6)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from smyth.values import expand

if TYPE_CHECKING:
    from smyth.connectors.vault.port import Vault

_VAULT_REFERENCE = re.compile(r"\{\{KEY\(([^()]+)\)\}\}")
_REFERENCE = re.compile(r"\{\{([^{}.\[\]]+)")


async def resolve(
    own: Mapping[str, Any], given: Mapping[str, Any], vault: Vault, team_id: str
) -> tuple[dict[str, Any], frozenset[str]]:
    """Return the variables of a run, and the names of those that hold something from the vault.

    Only a variable that is nothing but ``{{KEY(name)}}`` is read from the vault (compat README, quirk 30); it stays
    as it is when there is no such secret. What the caller gave is never read from the vault and sees no secrets.

    Args:
        own: The agent's variables; these the author wrote.
        given: The variables given with the run; they take the place of the agent's.
        vault: Where secrets are.
        team_id: Whose secrets.
    """
    if not own and not given:
        return {}, frozenset()
    resolved: dict[str, Any] = {}
    waiting: dict[str, str] = {}
    secret: set[str] = set()
    for name, value in own.items():
        if name in given:
            continue
        if not isinstance(value, str) or "{{" not in value:
            resolved[name] = value
        elif reference := _VAULT_REFERENCE.fullmatch(value.strip()):
            found = await vault.get(team_id, reference[1].strip())
            resolved[name] = value if found is None else found
            if found is not None:
                secret.add(name)
        else:
            waiting[name] = value
    resolved.update(given)
    _fill_in_order(waiting, resolved, secret)
    return resolved, frozenset(secret)


def _fill_in_order(waiting: dict[str, str], resolved: dict[str, Any], secret: set[str]) -> None:
    """Fill each text once, after those it mentions; what mentions a secret becomes one.

    One pass each: a text that came from outside is never looked into. Variables that mention each other in a
    circle are filled as far as they go.
    """
    while waiting:
        ready = [name for name, text in waiting.items() if not _mentioned(text) & waiting.keys()]
        for name in ready or list(waiting)[:1]:
            text = waiting.pop(name)
            if _mentioned(text) & secret:
                secret.add(name)
            resolved[name] = expand(text, resolved, passes=1)


def _mentioned(text: str) -> set[str]:
    return set(_REFERENCE.findall(text))

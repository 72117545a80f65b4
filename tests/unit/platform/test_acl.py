"""Who may do what with one thing: the five rules of the original, and what is added to them."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from smyth.platform.access import OPERATOR, Caller
from smyth.platform.acl import OF_TEAM, Access, Asker, Level, allows, owned
from smyth.platform.errors import Forbidden

LEVELS = st.sampled_from(get_args(Level))
CANDIDATES = st.sampled_from(["user:key-1", "user:key-2", "agent:agt-1", "agent:agt-2", "team", "public"])
ACCESS = st.dictionaries(CANDIDATES, st.lists(LEVELS, max_size=4))


def as_written(access: dict[str, list[Level]], candidate: str, level: Level) -> bool:
    """The reference's sentences, one after the other."""
    if level in access.get(candidate, []):
        return True  # 1. the exact level is granted to the candidate
    if "owner" in access.get(candidate, []):
        return True  # 2. the candidate is owner
    if level in access.get("public", []):
        return True  # 3. public has exactly the level
    if level in access.get("team", []):
        return True  # 4. the candidate's team has exactly the level
    return "owner" in access.get("team", [])  # 5. that team is owner


@given(ACCESS, CANDIDATES, LEVELS)
def test_the_check_is_the_five_rules(access: dict[str, list[Level]], candidate: str, level: Level) -> None:
    assert allows(access, candidate, level) == as_written(access, candidate, level)


@given(ACCESS, CANDIDATES, LEVELS)
def test_giving_more_never_takes_away(access: dict[str, list[Level]], candidate: str, level: Level) -> None:
    more = access | {candidate: [*access.get(candidate, []), level]}
    for wanted in get_args(Level):
        assert allows(more, candidate, wanted) or not allows(access, candidate, wanted)
    assert allows(more, candidate, level)


@given(ACCESS, LEVELS)
def test_what_is_given_to_one_user_opens_nothing_to_another(access: dict[str, list[Level]], level: Level) -> None:
    without = {who: levels for who, levels in access.items() if who != "user:key-1"}
    assert allows(access, "user:key-2", level) == allows(without, "user:key-2", level)


@pytest.mark.parametrize(("given_level", "other"), [("write", "read"), ("read", "write"), ("write", "owner")])
def test_levels_do_not_imply_each_other(given_level: Level, other: Level) -> None:
    access: dict[str, list[Level]] = {"user:key-1": [given_level]}
    assert allows(access, "user:key-1", given_level)
    assert not allows(access, "user:key-1", other)


def test_a_thing_without_access_is_the_teams() -> None:
    assert all(Asker("user:key-1").may(level, None) for level in ("read", "write", "owner"))
    assert all(Asker.agent("agt-1").may(level, OF_TEAM) for level in ("read", "write", "owner"))


def test_whoever_makes_a_thing_owns_it_whatever_they_give() -> None:
    access = owned({"team": ["read"], "user:key-1": ["none"]}, Asker("user:key-1"))
    assert access == {"team": ["read"], "user:key-1": ["owner"]}


@pytest.mark.parametrize(
    ("role", "manages"), [("viewer", False), ("developer", False), ("admin", True), ("owner", True), (OPERATOR, False)]
)
def test_admins_and_owners_of_the_tenant_manage_its_things(role: str, manages: bool) -> None:
    asker = Asker.of(Caller("ten-1", role, "key-2"))
    assert asker.may("owner", {"user:key-1": ["owner"]}) is manages


def test_a_refusal_names_what_is_missing_and_who_can_give_it() -> None:
    with pytest.raises(Forbidden) as refused:
        Asker("user:key-2").check("write", {"user:key-1": ["owner"]}, "the agent agt-1")
    assert refused.value.detail == (
        "Access Denied: user:key-2 has no write access to the agent agt-1. Ask user:key-1 for it."
    )


@pytest.mark.parametrize(
    "access",
    [
        {"user": ["read"]},
        {"user:": ["read"]},
        {"user:a b": ["read"]},
        {"user:a\n": ["read"]},
        {"team:ten-2": ["read"]},
        {"tenant:ten-2": ["read"]},
        {"team": ["admin"]},
        {"team": "read"},
        {f"user:{number}": ["read"] for number in range(101)},
    ],
)
def test_access_that_means_nothing_is_refused(access: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter[object](Access).validate_python(access)

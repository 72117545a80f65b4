"""Which role somebody who signed in has, and where."""

from __future__ import annotations

import pytest

from smyth.connectors.identity.tokens import Person
from smyth.platform.memberships import roles_of

ONE, OTHER = "ten-one", "ten-other"


def person(grants: tuple[str, ...] = (), scopes: tuple[str, ...] | None = None) -> Person:
    return Person("https://issuer.example", "ada", grants=grants, scopes=scopes)


@pytest.mark.parametrize(
    ("grants", "scopes", "roles"),
    [
        ((), None, {ONE: "developer"}),
        ((f"{ONE}:admin",), None, {ONE: "admin"}),
        ((f"{ONE}:viewer",), None, {ONE: "developer"}),
        ((f"{OTHER}:owner",), None, {ONE: "developer", OTHER: "owner"}),
        ((f"{ONE}:king", f"{OTHER}:", "staff"), None, {ONE: "developer"}),
        ((f"{OTHER}:owner",), ("viewer",), {ONE: "viewer", OTHER: "viewer"}),
        ((), ("owner",), {ONE: "developer"}),
        ((), ("viewer", "developer"), {ONE: "developer"}),
        ((), ("nothing",), {}),
    ],
)
def test_the_higher_of_membership_and_group_counts_and_scopes_only_take_away(
    grants: tuple[str, ...], scopes: tuple[str, ...] | None, roles: dict[str, str]
) -> None:
    assert roles_of(person(grants, scopes), {ONE: "developer"}) == roles

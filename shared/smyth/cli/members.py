"""``smyth members``: who may act in a tenant after signing in, and who is invited."""

from __future__ import annotations

from typing import Annotated

import typer

from smyth.cli.output import AsJson, print_json, print_table
from smyth.cli.pages import Limit, Tenant, all_of, named, segment
from smyth.cli.server import Key, Url, find_server

members = typer.Typer(
    add_completion=False, rich_markup_mode=None, no_args_is_help=True, help="Members and invitations of a server."
)

MemberId = Annotated[str, typer.Argument(metavar="MEMBER_ID", help="As `smyth members list` tells.")]


@members.command("list")
def list_members(
    limit: Limit = 100, tenant: Tenant = None, url: Url = None, key: Key = None, as_json: AsJson = False
) -> None:
    """List members, who joined last first."""
    items = all_of(find_server(url, key), "/api/members", named(tenant_id=tenant), limit)
    if as_json:
        print_json(items)
        return
    print_table(
        ["id", "name", "e-mail", "role", "kind", "joined"],
        [(one["id"], one["name"], one["email"] or "", one["role"], one["kind"], one["joined_at"]) for one in items],
    )


@members.command("invite")
def invite(
    name: Annotated[str, typer.Argument(help="Who is meant.")],
    role: Annotated[str, typer.Option(help="viewer, developer, admin or owner.")] = "developer",
    email: Annotated[str | None, typer.Option(help="Only who signs in with this address may accept.")] = None,
    days: Annotated[int, typer.Option(min=1, max=30, help="How long it may be accepted.")] = 7,
    tenant: Tenant = None,
    url: Url = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Make an invitation and print its code, this once; you pass it on."""
    body = {"name": name, "role": role, "valid_days": days} | named(email=email, tenant_id=tenant)
    made = find_server(url, key).call("POST", "/api/invitations", json=body).json()
    if as_json:
        print_json(made)
        return
    print(f"{made['id']}  {made['name']}  {made['role']}  until {made['expires_at']}")
    print(f"code, shown this once: {made['code']}")


@members.command("invitations")
def invitations(
    limit: Limit = 100, tenant: Tenant = None, url: Url = None, key: Key = None, as_json: AsJson = False
) -> None:
    """List open invitations, newest first."""
    items = all_of(find_server(url, key), "/api/invitations", named(tenant_id=tenant), limit)
    if as_json:
        print_json(items)
        return
    print_table(
        ["id", "name", "e-mail", "role", "ends"],
        [(one["id"], one["name"], one["email"] or "", one["role"], one["expires_at"]) for one in items],
    )


@members.command("withdraw")
def withdraw(
    invitation_id: Annotated[str, typer.Argument(metavar="INVITATION_ID", help="The invitation's id.")],
    tenant: Tenant = None,
    url: Url = None,
    key: Key = None,
) -> None:
    """Make an invitation useless."""
    path = f"/api/invitations/{segment(invitation_id)}"
    find_server(url, key).call("DELETE", path, params=named(tenant_id=tenant))
    print(f"withdrew {invitation_id}")


@members.command("accept")
def accept(
    code: Annotated[str, typer.Argument(help="As whoever invited you passed it on.")],
    url: Url = None,
    token: Annotated[str | None, typer.Option("--token", help="Your token of signing in; else SMYTH_KEY.")] = None,
    as_json: AsJson = False,
) -> None:
    """Accept an invitation as whoever the token stands for."""
    joined = find_server(url, token).call("POST", "/api/invitations/accept", json={"code": code}).json()
    if as_json:
        print_json(joined)
    else:
        print(f"{joined['id']}  {joined['name']}  {joined['role']} in {joined['tenant_id']}")


@members.command("change")
def change(
    member_id: MemberId,
    role: Annotated[str | None, typer.Option(help="viewer, developer, admin or owner.")] = None,
    name: Annotated[str | None, typer.Option(help="What they are called.")] = None,
    tenant: Tenant = None,
    url: Url = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Change a member's role or name; it holds from the next request on."""
    path = f"/api/members/{segment(member_id)}"
    body = named(role=role, name=name)
    changed = find_server(url, key).call("PATCH", path, params=named(tenant_id=tenant), json=body).json()
    if as_json:
        print_json(changed)
    else:
        print(f"{changed['id']}  {changed['name']}  {changed['role']}")


@members.command("remove")
def remove(member_id: MemberId, tenant: Tenant = None, url: Url = None, key: Key = None) -> None:
    """Take a member's access away from the next request on."""
    find_server(url, key).call("DELETE", f"/api/members/{segment(member_id)}", params=named(tenant_id=tenant))
    print(f"removed {member_id}")

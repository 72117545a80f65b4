"""``smyth keys``: list, make, change, rotate and revoke API keys."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from smyth.cli.output import AsJson, print_json, print_table
from smyth.cli.pages import Limit, Tenant, all_of, named, segment
from smyth.cli.server import Key, Url, find_server

keys = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True, help="API keys of a server.")

KeyId = Annotated[str, typer.Argument(metavar="KEY_ID", help="The key's id, as `smyth keys list` tells.")]
Agent = Annotated[list[str] | None, typer.Option("--agent", help="Only this agent's id; again for more.")]
Route = Annotated[list[str] | None, typer.Option("--route", help="Only this route, such as 'GET /api/agents'.")]
Expires = Annotated[str | None, typer.Option("--expires", help="When it ends, like 2027-01-31T00:00:00Z.")]
PerMinute = Annotated[int | None, typer.Option("--per-minute", min=1, help="Billable requests a minute.")]


@keys.command("list")
def list_keys(
    limit: Limit = 100, tenant: Tenant = None, url: Url = None, key: Key = None, as_json: AsJson = False
) -> None:
    """List keys, newest first; secrets are never shown again."""
    items = all_of(find_server(url, key), "/api/keys", named(tenant_id=tenant), limit)
    if as_json:
        print_json(items)
        return
    print_table(
        ["id", "name", "role", "begins with", "last used", "ends"],
        [
            (one["id"], one["name"], one["role"], one["prefix"], one["last_used"] or "never", one["expires_at"] or "")
            for one in items
        ],
    )


@keys.command("create")
def create(
    name: Annotated[str, typer.Argument(help="What it is for.")],
    role: Annotated[str, typer.Option(help="viewer, developer, admin or owner.")] = "developer",
    agent: Agent = None,
    route: Route = None,
    expires: Expires = None,
    per_minute: PerMinute = None,
    tenant: Tenant = None,
    url: Url = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Make a key and print its secret, this once."""
    fields = named(agents=agent, routes=route, expires_at=expires, requests_per_minute=per_minute, tenant_id=tenant)
    made = find_server(url, key).call("POST", "/api/keys", json={"name": name, "role": role} | fields).json()
    _print_secret(made, as_json)


@keys.command("change")
def change(
    key_id: KeyId,
    name: Annotated[str | None, typer.Option(help="What it is for.")] = None,
    role: Annotated[str | None, typer.Option(help="viewer, developer, admin or owner.")] = None,
    agent: Agent = None,
    route: Route = None,
    expires: Expires = None,
    per_minute: PerMinute = None,
    tenant: Tenant = None,
    url: Url = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Change what a key may do; it holds from the next request on."""
    given = {"agents": agent, "routes": route, "expires_at": expires, "requests_per_minute": per_minute}
    path = f"/api/keys/{segment(key_id)}"
    fields = named(name=name, role=role, **given)
    changed = find_server(url, key).call("PATCH", path, params=named(tenant_id=tenant), json=fields).json()
    if as_json:
        print_json(changed)
    else:
        print(f"{changed['id']}  {changed['name']}  {changed['role']}")


@keys.command("rotate")
def rotate(
    key_id: KeyId,
    overlap_hours: Annotated[float, typer.Option(min=0, max=720, help="How long the old secret still counts.")] = 24,
    tenant: Tenant = None,
    url: Url = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Give a key a new secret and print it, this once; the old one counts until the overlap ends."""
    path = f"/api/keys/{segment(key_id)}/rotate"
    body = {"overlap_seconds": round(overlap_hours * 3600)}
    _print_secret(find_server(url, key).call("POST", path, params=named(tenant_id=tenant), json=body).json(), as_json)


@keys.command("revoke")
def revoke(key_id: KeyId, tenant: Tenant = None, url: Url = None, key: Key = None) -> None:
    """Make a key useless from the next request on."""
    find_server(url, key).call("DELETE", f"/api/keys/{segment(key_id)}", params=named(tenant_id=tenant))
    print(f"revoked {key_id}")


def _print_secret(made: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(made)
        return
    print(f"{made['id']}  {made['name']}  {made['role']}")
    print(f"secret, shown this once: {made['key']}")
    if made["previous_until"]:
        print(f"the old secret counts until {made['previous_until']}")

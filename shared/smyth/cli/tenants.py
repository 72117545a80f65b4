"""``smyth tenants``: what the operator does with tenants."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from smyth.cli.errors import CommandError, UsageError
from smyth.cli.output import AsJson, print_json, print_table
from smyth.cli.pages import Limit, all_of, named, segment
from smyth.cli.server import Key, Url, find_server

tenants = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Tenants of a server; needs the operator's key.",
)

TenantId = Annotated[str, typer.Argument(help="Id of the tenant, such as ten-01jd...")]
Plan = Annotated[str | None, typer.Option(help="Name of a plan; `smyth plans` lists them.")]
Requests = Annotated[int | None, typer.Option(min=0, help="Requests a month, in place of the plan's.")]
Agents = Annotated[int | None, typer.Option(min=0, help="Agents, in place of the plan's.")]
StorageBytes = Annotated[int | None, typer.Option(min=0, help="Bytes of uploaded files, in place of the plan's.")]
PerMinute = Annotated[int | None, typer.Option(min=1, help="Requests a minute, in place of the plan's.")]
Zone = Annotated[str | None, typer.Option(help="Where its months begin and end, such as Europe/Berlin.")]

TrialUntil = Annotated[
    datetime | None,
    typer.Option(
        formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S%z"],
        help="No monthly price before this moment, such as 2026-06-30 (its beginning, UTC).",
    ),
]


@tenants.command("list")
def list_tenants(limit: Limit = 100, url: Url = None, key: Key = None, as_json: AsJson = False) -> None:
    """List tenants, newest first."""
    items = all_of(find_server(url, key), "/api/tenants", {}, limit)
    if as_json:
        print_json(items)
        return
    print_table(
        ["id", "name", "plan", "status", "created"],
        [(one["id"], one["name"], one["plan"], one["status"], one["created_at"]) for one in items],
    )


@tenants.command("show")
def show(tenant_id: TenantId, url: Url = None, key: Key = None) -> None:
    """Print a tenant as JSON."""
    print_json(find_server(url, key).call("GET", _path(tenant_id)).json())


@tenants.command("create")
def create(
    name: Annotated[str, typer.Argument(help="What it is called.")],
    plan: Annotated[str, typer.Option(help="Name of a plan; `smyth plans` lists them.")],
    requests: Requests = None,
    agents: Agents = None,
    storage_bytes: StorageBytes = None,
    per_minute: PerMinute = None,
    time_zone: Zone = None,
    trial_days: Annotated[int | None, typer.Option(min=0, help="Days without monthly price.")] = None,
    url: Url = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Make a tenant and print its id."""
    limits = named(requests_per_month=requests, agents=agents, storage_bytes=storage_bytes)
    fields = named(limits=limits or None, requests_per_minute=per_minute, time_zone=time_zone, trial_days=trial_days)
    made = find_server(url, key).call("POST", "/api/tenants", json={"name": name, "plan": plan} | fields).json()
    _tell(made, f"{made['id']} has the plan {made['plan']}. smyth keys create NAME --tenant {made['id']}", as_json)


@tenants.command("change")
def change(
    tenant_id: TenantId,
    name: Annotated[str | None, typer.Option(help="A new name.")] = None,
    plan: Plan = None,
    requests: Requests = None,
    agents: Agents = None,
    storage_bytes: StorageBytes = None,
    per_minute: PerMinute = None,
    time_zone: Zone = None,
    plan_limits: Annotated[bool, typer.Option("--plan-limits", help="Take its own limits away.")] = False,
    trial_until: TrialUntil = None,
    end_trial: Annotated[bool, typer.Option("--end-trial", help="Charge the monthly price from now on.")] = False,
    url: Url = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Change a tenant; it holds from the next request on."""
    limits = named(requests_per_month=requests, agents=agents, storage_bytes=storage_bytes)
    if plan_limits and limits:
        raise UsageError(
            "--plan-limits takes the tenant's own limits away: leave --requests, --agents and --storage-bytes out."
        )
    fields = named(name=name, plan=plan, requests_per_minute=per_minute, time_zone=time_zone, limits=limits or None)
    fields |= {"limits": None} if plan_limits else {}
    fields |= _trial(trial_until, end_trial)
    if not fields:
        raise UsageError("Say what to change, for instance --plan pro.")
    changed = find_server(url, key).call("PATCH", _path(tenant_id), json=fields).json()
    _tell(changed, f"{changed['id']} has the plan {changed['plan']} and is {changed['status']}", as_json)


@tenants.command("suspend")
def suspend(tenant_id: TenantId, url: Url = None, key: Key = None) -> None:
    """Refuse all requests of a tenant until it is resumed."""
    _set_status(tenant_id, "suspended", url, key)


@tenants.command("resume")
def resume(tenant_id: TenantId, url: Url = None, key: Key = None) -> None:
    """Let a suspended tenant go on."""
    _set_status(tenant_id, "active", url, key)


@tenants.command("impersonate")
def impersonate(
    tenant_id: TenantId,
    reason: Annotated[str, typer.Option(help="Why; the tenant sees it in the list of keys.")],
    role: Annotated[str, typer.Option(help="viewer, developer, admin or owner.")] = "viewer",
    minutes: Annotated[int, typer.Option(min=1, max=60, help="When it ends.")] = 15,
    url: Url = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Print a key that acts as the tenant for a while; all that is done with it is audited as yours."""
    wish = {"reason": reason, "role": role, "minutes": minutes}
    made = find_server(url, key).call("POST", f"{_path(tenant_id)}/impersonate", json=wish).json()
    _tell(made, made["key"], as_json)


@tenants.command("export")
def export(
    tenant_id: TenantId,
    anew: Annotated[bool, typer.Option("--anew", help="Begin another one though one is ready.")] = False,
    url: Url = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Have a tenant's data collected, and print links to the archives once they are ready."""
    path = f"{_path(tenant_id)}/export"
    told = find_server(url, key).call("GET", path, params={"anew": "true"} if anew else {}).json()
    waiting = "The data are being collected. Ask again in some minutes."
    _tell(told, "\n".join(told["links"]) if told["status"] == "ready" else waiting, as_json)


@tenants.command("erase")
def erase(
    tenant_id: TenantId,
    yes: Annotated[bool, typer.Option("--yes", help="I mean it: there is no way back.")] = False,
    url: Url = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Erase a tenant with all its data, for good; amounts stay in the ledger."""
    if not yes:
        raise CommandError(f"This erases {tenant_id} for good. Add --yes if you mean it; export its data before.")
    told = find_server(url, key).call("DELETE", _path(tenant_id)).json()
    _tell(told, f"{tenant_id} is refused from now on; its data are erased from {told['begins_at']} on", as_json)


def _set_status(tenant_id: str, status: str, url: str | None, key: str | None) -> None:
    changed = find_server(url, key).call("PATCH", _path(tenant_id), json={"status": status}).json()
    print(f"{changed['id']} is {changed['status']}")


def _trial(until: datetime | None, end: bool) -> dict[str, Any]:
    if until is not None and end:
        raise UsageError("--end-trial ends the trial now: leave --trial-until out.")
    if until is None:
        return {"trial_until": None} if end else {}
    return {"trial_until": until.replace(tzinfo=until.tzinfo or UTC).isoformat()}


def _path(tenant_id: str) -> str:
    return f"/api/tenants/{segment(tenant_id)}"


def _tell(answer: dict[str, Any], text: str, as_json: bool) -> None:
    if as_json:
        print_json(answer)
    else:
        print(text)

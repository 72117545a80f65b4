"""``smyth schedules``: list, show, make, change and remove what the clock starts."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from smyth.cli.output import AsJson, print_json, print_table
from smyth.cli.pages import Limit, all_of, named, segment
from smyth.cli.server import Key, Url, find_server
from smyth.cli.triggers import last_run

schedules = typer.Typer(
    add_completion=False, rich_markup_mode=None, no_args_is_help=True, help="Schedules of a server."
)

ScheduleId = Annotated[str, typer.Argument(metavar="SCHEDULE_ID", help="As `smyth schedules list` tells.")]
Cron = Annotated[str | None, typer.Option(help="Five fields, or the six of EventBridge: '0 8 * * MON-FRI'.")]
Every = Annotated[str | None, typer.Option(help="Such as '15 minutes', '2 hours', '1 day'.")]
At = Annotated[str | None, typer.Option(help="Once, on clocks of the zone: 2027-01-31T08:00.")]
Zone = Annotated[str | None, typer.Option("--zone", help="IANA name such as Europe/Berlin; UTC unless told.")]
Starts = Annotated[str | None, typer.Option(help="Nothing runs before, like 2027-01-31T00:00:00Z.")]
Ends = Annotated[str | None, typer.Option(help="Nothing runs after.")]


@schedules.command("list")
def list_schedules(
    agent: Annotated[str | None, typer.Option(help="Only this agent's id.")] = None,
    limit: Limit = 100,
    url: Url = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """List schedules with their next and last runs; dead ones say why."""
    items = all_of(find_server(url, key), "/api/schedules", named(agent_id=agent), limit)
    if as_json:
        print_json(items)
        return
    print_table(
        ["id", "name", "rule", "state", "next run", "last run", "problem"],
        [
            (one["id"], one["name"], _rule_of(one), one["state"], one["next_run"] or "", last_run(one), one["problem"])
            for one in items
        ],
    )


@schedules.command("show")
def show(schedule_id: ScheduleId, url: Url = None, key: Key = None) -> None:
    """Print a schedule with its next five runs."""
    print_json(find_server(url, key).call("GET", f"/api/schedules/{segment(schedule_id)}").json())


@schedules.command("create")
def create(
    name: Annotated[str, typer.Argument(help="What it is for.")],
    agent: Annotated[str, typer.Option(help="The agent's id.")],
    cron: Cron = None,
    every: Every = None,
    at: At = None,
    zone: Zone = None,
    starts: Starts = None,
    ends: Ends = None,
    prompt: Annotated[str | None, typer.Option(help="What the agent is told.")] = None,
    skill: Annotated[str | None, typer.Option(help="Or the endpoint that is run.")] = None,
    url: Url = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Make a schedule: one of --cron, --every and --at, and one of --prompt and --skill."""
    rule = named(cron=cron, every=every, at=at, time_zone=zone, starts_at=starts, ends_at=ends)
    body = {"name": name, "agent_id": agent, "rule": rule, "target": named(prompt=prompt, skill=skill)}
    _print(find_server(url, key).call("POST", "/api/schedules", json=body).json(), as_json)


@schedules.command("change")
def change(
    schedule_id: ScheduleId,
    name: Annotated[str | None, typer.Option(help="What it is for.")] = None,
    cron: Cron = None,
    every: Every = None,
    at: At = None,
    zone: Zone = None,
    starts: Starts = None,
    ends: Ends = None,
    enabled: Annotated[bool | None, typer.Option("--on/--off", help="Whether it runs.")] = None,
    url: Url = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Change a schedule; a rule is replaced whole, so name its zone again."""
    rule = named(cron=cron, every=every, at=at, time_zone=zone, starts_at=starts, ends_at=ends)
    body = named(name=name, enabled=enabled, rule=rule or None)
    _print(find_server(url, key).call("PATCH", f"/api/schedules/{segment(schedule_id)}", json=body).json(), as_json)


@schedules.command("remove")
def remove(schedule_id: ScheduleId, url: Url = None, key: Key = None) -> None:
    """Delete a schedule."""
    find_server(url, key).call("DELETE", f"/api/schedules/{segment(schedule_id)}")
    print(f"removed {schedule_id}")


def _print(shown: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(shown)
        return
    print(f"{shown['id']}  {shown['name']}  {_rule_of(shown)}  {shown['state']}")
    print(f"next run: {shown['next_run'] or 'never'}")


def _rule_of(shown: dict[str, Any]) -> str:
    rule = shown["rule"]
    said = next(f"{kind} {rule[kind]}" for kind in ("cron", "every", "at") if kind in rule)
    return f"{said} ({rule['time_zone']})"

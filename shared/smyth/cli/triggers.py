"""``smyth triggers``: list, show, make, change, remove and try what starts agents, and deliver anew what died."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from smyth.cli.errors import CommandError
from smyth.cli.output import AsJson, print_json, print_table
from smyth.cli.pages import Limit, all_of, named, segment
from smyth.cli.server import Key, Url, find_server

triggers = typer.Typer(
    add_completion=False, rich_markup_mode=None, no_args_is_help=True, help="What starts agents of a server."
)

TriggerId = Annotated[str, typer.Argument(metavar="TRIGGER_ID", help="As `smyth triggers list` tells.")]
RunId = Annotated[str | None, typer.Argument(metavar="[RUN_ID]", help="As `smyth triggers runs` tells.")]
Rule = Annotated[str | None, typer.Option(help="""JSON such as '{"kind": "object", "suffix": ".pdf"}'.""")]
Prompt = Annotated[str | None, typer.Option(help="What the agent is told; {{name}} is filled from what happened.")]
Skill = Annotated[str | None, typer.Option(help="Or the endpoint that is run.")]
Input = Annotated[str | None, typer.Option("--input", help="The skill's inputs as a JSON object.")]
Component = Annotated[str | None, typer.Option(help="Or the triggerEndpoint of a trigger component.")]
Attempts = Annotated[int | None, typer.Option(min=1, max=5, help="How often a delivery is tried.")]
Backoff = Annotated[int | None, typer.Option(min=1, max=3600, help="Seconds before the second attempt.")]


@triggers.command("list")
def list_triggers(
    kind: Annotated[str | None, typer.Option(help="object, schedule, webhook, queue, event or component.")] = None,
    agent: Annotated[str | None, typer.Option(help="Only this agent's id.")] = None,
    limit: Limit = 100,
    url: Url = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """List triggers with their last runs."""
    items = all_of(find_server(url, key), "/api/triggers", named(kind=kind, agent_id=agent), limit)
    if as_json:
        print_json(items)
        return
    print_table(
        ["id", "name", "kind", "agent", "state", "last run"],
        [(one["id"], one["name"], one["kind"], one["agent_id"], _state(one), last_run(one)) for one in items],
    )


@triggers.command("show")
def show(trigger_id: TriggerId, url: Url = None, key: Key = None) -> None:
    """Print a trigger."""
    print_json(find_server(url, key).call("GET", _path(trigger_id)).json())


@triggers.command("create")
def create(
    name: Annotated[str, typer.Argument(help="What it is for.")],
    agent: Annotated[str, typer.Option(help="The agent's id.")],
    rule: Annotated[str, typer.Option(help="""JSON such as '{"kind": "object", "suffix": ".pdf"}'.""")],
    prompt: Prompt = None,
    skill: Skill = None,
    inputs: Input = None,
    component: Component = None,
    attempts: Attempts = None,
    backoff: Backoff = None,
    url: Url = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Make a trigger: a rule, and one of --prompt, --skill and --component."""
    body = {"name": name, "agent_id": agent, "rule": _object("--rule", rule)}
    body |= _common(None, prompt, skill, inputs, component, attempts, backoff)
    _print(find_server(url, key).call("POST", "/api/triggers", json=body).json(), as_json)


@triggers.command("change")
def change(
    trigger_id: TriggerId,
    name: Annotated[str | None, typer.Option(help="What it is for.")] = None,
    rule: Rule = None,
    prompt: Prompt = None,
    skill: Skill = None,
    inputs: Input = None,
    component: Component = None,
    attempts: Attempts = None,
    backoff: Backoff = None,
    enabled: Annotated[bool | None, typer.Option("--on/--off", help="Whether it starts anything.")] = None,
    url: Url = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Change a trigger; rule, target and retries are replaced whole."""
    body = named(name=name, enabled=enabled) | _common(rule, prompt, skill, inputs, component, attempts, backoff)
    _print(find_server(url, key).call("PATCH", _path(trigger_id), json=body).json(), as_json)


@triggers.command("remove")
def remove(trigger_id: TriggerId, url: Url = None, key: Key = None) -> None:
    """Delete a trigger."""
    find_server(url, key).call("DELETE", _path(trigger_id))
    print(f"removed {trigger_id}")


@triggers.command("test")
def deliver_a_trial(
    trigger_id: TriggerId,
    payload: Annotated[str, typer.Option(help="What is delivered, as JSON.")] = "{}",
    url: Url = None,
    key: Key = None,
) -> None:
    """Deliver something as if it had happened; it runs and is billed."""
    body = {"payload": _json("--payload", payload)}
    print(find_server(url, key).call("POST", f"{_path(trigger_id)}/test", json=body).json()["delivery_id"])


@triggers.command("runs")
def runs(
    trigger_id: TriggerId,
    run_id: RunId = None,
    state: Annotated[str | None, typer.Option(help="running, waiting, done or dead.")] = None,
    limit: Limit = 100,
    url: Url = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """List what became of a trigger's deliveries, newest first; of one, all there is."""
    server, path = find_server(url, key), f"{_path(trigger_id)}/runs"
    if run_id is not None:
        print_json(server.call("GET", f"{path}/{segment(run_id)}").json())
        return
    items = all_of(server, path, named(state=state), limit)
    if as_json:
        print_json(items)
        return
    print_table(
        ["id", "at", "state", "attempts", "cost", "failure"],
        [
            (
                one["id"],
                one["at"],
                one["state"],
                str(one["attempts"]),
                one["cost"],
                (one["failure"] or {}).get("detail", ""),
            )
            for one in items
        ],
    )


@triggers.command("redrive")
def redrive(trigger_id: TriggerId, run_id: RunId = None, url: Url = None, key: Key = None) -> None:
    """Deliver anew what died: one run, or all of a trigger."""
    one = f"/runs/{segment(run_id)}" if run_id else ""
    found = find_server(url, key).call("POST", f"{_path(trigger_id)}{one}/redrive").json()["runs"]
    print("\n".join(found) if found else "nothing is dead")


def _common(
    rule: str | None,
    prompt: str | None,
    skill: str | None,
    inputs: str | None,
    component: str | None,
    attempts: int | None,
    backoff: int | None,
) -> dict[str, Any]:
    """Return what making and changing share, as the API takes it."""
    target = named(prompt=prompt, skill=skill, trigger=component)
    if inputs is not None:
        target["input"] = _object("--input", inputs)
    retries = named(attempts=attempts, backoff_s=backoff)
    given = _object("--rule", rule) if rule is not None else None
    return named(rule=given, target=target or None, retries=retries or None)


def _object(option: str, text: str) -> dict[str, Any]:
    value = _json(option, text)
    if not isinstance(value, dict):
        raise CommandError(f"{option} takes a JSON object.")
    return value


def _json(option: str, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise CommandError(f"{option} is not JSON: {error}.") from None


def _path(trigger_id: str) -> str:
    return f"/api/triggers/{segment(trigger_id)}"


def _print(shown: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(shown)
    else:
        print(f"{shown['id']}  {shown['name']}  {shown['kind']}  {_state(shown)}")


def _state(shown: dict[str, Any]) -> str:
    return "on" if shown["enabled"] else f"off. {shown['disabled_because']}".rstrip(". ")


def last_run(shown: dict[str, Any]) -> str:
    """Return when a trigger or a schedule ran last, and how that stands."""
    last = shown["last_run"]
    return f"{last['at']} {last['state']}" if last else "never"

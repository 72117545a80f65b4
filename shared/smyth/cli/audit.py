"""``smyth audit``: list, export and check."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from smyth.cli.errors import CommandError
from smyth.cli.output import AsJson, print_json, print_table
from smyth.cli.server import Key, Server, Url, find_server

_PAGE = 100

audit = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True, help="Who did what on a server.")

Tenant = Annotated[str | None, typer.Option("--tenant", help="For the operator: whose; else the operator's own.")]


@audit.command("list")
def list_entries(
    start: Annotated[str | None, typer.Option("--from", help="First day or time.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="Last day, or the time before which it ends.")] = None,
    action: Annotated[str | None, typer.Option(help="Text in the action, such as DELETE or /api/keys.")] = None,
    actor: Annotated[str | None, typer.Option(help="Id of a key, or a person.")] = None,
    target: Annotated[str | None, typer.Option(help="Text in what it was done to.")] = None,
    outcome: Annotated[str | None, typer.Option(help="done or refused.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 100,
    tenant: Tenant = None,
    url: Url = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """List entries, newest first."""
    filters = {"from": start, "to": end, "action": action, "actor": actor, "target": target, "outcome": outcome}
    asked = {name: value for name, value in (filters | {"tenant_id": tenant}).items() if value is not None}
    entries = _entries(find_server(url, key), asked, limit)
    if as_json:
        print_json(entries)
        return
    print_table(
        ["seq", "at", "who", "from", "what", "result"],
        [(one["seq"], one["at"], _who(one), one["source_ip"], _what(one), _result(one)) for one in entries],
    )


@audit.command("export")
def export(
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write: a line of JSON for each entry.")],
    tenant: Tenant = None,
    url: Url = None,
    key: Key = None,
) -> None:
    """Write the whole chain into a file, oldest first; `smyth audit verify --file` checks it."""
    lines = list(_lines(find_server(url, key), tenant))
    try:
        output.write_text("".join(f"{json.dumps(line)}\n" for line in lines), "utf-8")
    except OSError as error:
        raise CommandError(f"{output} cannot be written: {error.strerror}. Name another file.") from None
    print(f"wrote {len(lines) - 1} entries to {output}")


@audit.command("verify")
def verify(
    file: Annotated[Path | None, typer.Option(help="Check an exported file, not a server.")] = None,
    head: Annotated[str, typer.Option(help="What an earlier check told (SEQ:HASH): it must still be so.")] = "",
    tenant: Tenant = None,
    url: Url = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Find entries that were changed, deleted, moved or inserted, and a cut end; exit code 1 if there are any."""
    from smyth.platform.audit_check import check

    lines = _read(file) if file else list(_lines(find_server(url, key), tenant))
    if not all(isinstance(line, dict) for line in lines) or not lines or not isinstance(lines[-1].get("head"), dict):
        raise CommandError("The last line does not tell the chain's end, so the file is not whole. Export it again.")
    *entries, last = lines
    report = check(entries, last["head"], known=head)
    if as_json:
        found = [{"kind": one.kind, "seq": one.seq, "message": one.message} for one in report.findings]
        print_json({"entries": report.entries, "head": report.head, "findings": found})
    else:
        for finding in report.findings:
            print(f"{finding.kind}: {finding.message}")
        print(f"{report.entries} entries, {len(report.findings)} findings, head {report.head}")
    if report.findings:
        raise typer.Exit(1)


def _entries(server: Server, asked: dict[str, Any], limit: int) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None and len(entries) < limit:
        params = asked | {"limit": min(_PAGE, limit - len(entries))} | ({"cursor": cursor} if cursor else {})
        page = server.call("GET", "/api/audit", params=params).json()
        entries += page["items"]
        cursor = page["next_cursor"]
    return entries


def _lines(server: Server, tenant: str | None) -> Iterator[dict[str, Any]]:
    """Yield the entries of a chain, and its end as the last line."""
    asked = {"tenant_id": tenant} if tenant else {}
    while True:
        response = server.call("GET", "/api/audit/export", params=asked)
        yield from (json.loads(line) for line in response.text.splitlines())
        cursor = response.headers.get("x-next-cursor")
        if not cursor:
            return
        asked = asked | {"cursor": cursor}


def _read(file: Path) -> list[dict[str, Any]]:
    try:
        return [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}. Name a file of `smyth audit export`.") from None
    except ValueError:
        raise CommandError(f"{file} is not lines of JSON. Name a file of `smyth audit export`.") from None


def _who(entry: dict[str, Any]) -> str:
    who = entry["subject"] or entry["actor"] or "unknown"
    return f"{who} for {entry['acting_for']}" if entry["acting_for"] else who


def _what(entry: dict[str, Any]) -> str:
    method, _, rest = entry["action"].partition(" ")
    return f"{method} {entry['target']}" if rest else f"{entry['action']} {entry['target']}".strip()


def _result(entry: dict[str, Any]) -> str:
    return " ".join(str(part) for part in (entry["outcome"], entry["status"] or "", entry["code"]) if part)

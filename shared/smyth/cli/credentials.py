"""``smyth credentials``: secrets of a server's tenant, or of an encrypted file here.

A value is asked for, or read from standard input; it is never an argument, which other users of the machine could see.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from smyth.cli.errors import CommandError, UsageError
from smyth.cli.output import AsJson, print_json, print_table
from smyth.cli.pages import Limit, all_of, named, segment
from smyth.cli.server import Key, Url, find_server

if TYPE_CHECKING:
    from smyth.connectors.vault.file import FileVault

credentials = typer.Typer(
    add_completion=False, rich_markup_mode=None, no_args_is_help=True, help="Secrets that agents may use."
)

Name = Annotated[str, typer.Argument(help="Its name, as in {{KEY(name)}}.")]
VaultFile = Annotated[
    Path | None, typer.Option("--file", help="An encrypted vault file here, instead of a server; made where missing.")
]
_TEAM = "default"


@credentials.command("list")
def list_credentials(
    limit: Limit = 100, file: VaultFile = None, url: Url = None, key: Key = None, as_json: AsJson = False
) -> None:
    """List names; values are never shown."""
    items: list[dict[str, Any]]
    if file is not None:
        with _opened(file) as vault:
            items = [{"name": name} for name in vault.names(_TEAM)]
    else:
        items = all_of(find_server(url, key), "/api/credentials", {}, limit)
    if as_json:
        print_json(items)
    elif file is not None:
        print_table(["name"], [(one["name"],) for one in items])
    else:
        print_table(
            ["name", "version", "last used", "next rotation", "description"],
            [
                (
                    one["name"],
                    one["current"],
                    one["last_used"] or "never",
                    (one["rotation"] or {}).get("due_at", ""),
                    one["description"],
                )
                for one in items
            ],
        )


@credentials.command("show")
def show(name: Name, url: Url = None, key: Key = None) -> None:
    """Tell all about a credential of a server but its value."""
    print_json(find_server(url, key).call("GET", _path(name)).json())


@credentials.command("set")
def set_value(
    name: Name,
    description: Annotated[str | None, typer.Option(help="What it is for.")] = None,
    agent: Annotated[list[str] | None, typer.Option("--agent", help="For this agent only; again for more.")] = None,
    rotate_url: Annotated[str | None, typer.Option(help="Is asked for the next value.")] = None,
    rotate_days: Annotated[int, typer.Option(min=1, max=365, help="How old a value may become.")] = 90,
    file: VaultFile = None,
    url: Url = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Set a value: asked for, or the whole of standard input where that is no terminal."""
    if file is not None:
        if description is not None or agent or rotate_url is not None:
            raise UsageError("--description, --agent and --rotate-url are for servers: a file keeps values only.")
        with _opened(file) as vault:
            vault.put(_TEAM, name, _asked_value(name))
        print(f"set {name}")
        return
    server = find_server(url, key)
    fields = named(
        description=description,
        access={f"agent:{one}": ["read"] for one in agent} if agent else None,
        rotation=None if rotate_url is None else {"url": rotate_url, "every_days": rotate_days},
    )
    written = server.call("PUT", _path(name), json=fields | {"value": _asked_value(name)}).json()
    if as_json:
        print_json(written)
        return
    print(f"set {name}, version {written['current']}")
    if written["rotation_secret"]:
        print(f"rotations are signed with this secret, shown this once: {written['rotation_secret']}")


@credentials.command("rotate")
def rotate(
    name: Name,
    ask: Annotated[bool, typer.Option("--ask", help="Ask here for the value, not at the rotation's address.")] = False,
    url: Url = None,
    key: Key = None,
) -> None:
    """Give a credential its next value now."""
    server = find_server(url, key)
    body = {"value": _asked_value(name)} if ask else {}
    rotated = server.call("POST", f"{_path(name)}/rotate", json=body).json()
    print(f"{name} is at version {rotated['current']}")


@credentials.command("rollback")
def rollback(
    name: Name,
    version: Annotated[int | None, typer.Option(min=1, help="Which one; by default the one before.")] = None,
    url: Url = None,
    key: Key = None,
) -> None:
    """Make an earlier version the current one again."""
    body = named(version=version)
    rolled = find_server(url, key).call("POST", f"{_path(name)}/rollback", json=body).json()
    print(f"{name} is at version {rolled['current']}")


@credentials.command("rm")
def remove(name: Name, file: VaultFile = None, url: Url = None, key: Key = None) -> None:
    """Delete a credential with all its versions."""
    if file is None:
        find_server(url, key).call("DELETE", _path(name))
    else:
        with _opened(file) as vault:
            if not vault.delete(_TEAM, name):
                raise CommandError(f'{file} has no entry "{name}".')
    print(f"deleted {name}")


def _path(name: str) -> str:
    return f"/api/credentials/{segment(name)}"


def _asked_value(name: str) -> str:
    """Return the value from the terminal, where it is not shown, or from standard input without its last line's end."""
    if sys.stdin.isatty():
        value: str = typer.prompt(f"Value of {name}", hide_input=True)
        return value
    value = sys.stdin.read().removesuffix("\n").removesuffix("\r")
    if not value:
        raise UsageError("There is no value on standard input.")
    return value


@contextmanager
def _opened(file: Path) -> Iterator[FileVault]:
    """Offer the vault in a file; what is wrong with it ends the command."""
    from smyth.connectors.vault.file import FileVault, VaultFileError

    try:
        yield FileVault(file)
    except VaultFileError as error:
        raise CommandError(str(error)) from None

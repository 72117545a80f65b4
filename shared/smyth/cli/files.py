"""``smyth files``: what was uploaded to a server."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import typer

from smyth.cli.errors import CommandError
from smyth.cli.output import AsJson, print_json, print_table
from smyth.cli.pages import Limit, all_of, named, segment
from smyth.cli.server import Key, Server, Url, find_server

if TYPE_CHECKING:
    import httpx

files = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True, help="Files on a server.")

FileKey = Annotated[str, typer.Argument(metavar="KEY", help="As `smyth files ls` tells.")]

#: Smaller files go with the request, which spares a call.
_DIRECT_BYTES = 4 * 1024 * 1024
_CHUNK = 1024 * 1024
_PATIENCE_S = 600


@files.command("ls")
def list_files(limit: Limit = 100, url: Url = None, key: Key = None, as_json: AsJson = False) -> None:
    """List files, oldest first, and what they take up of the plan."""
    server = find_server(url, key)
    items = all_of(server, "/api/storage", {}, limit)
    if as_json:
        print_json(items)
        return
    columns = ["key", "name", "bytes", "type", "status", "created", "ends"]
    print_table(columns, [_row(one) for one in items])
    use = server.call("GET", "/api/storage", params={"limit": 1}).json()["storage"]
    most = "unlimited" if use["limit_bytes"] is None else f"{use['limit_bytes']:,}"
    print(f"{use['used_bytes']:,} bytes of {most}")


@files.command("put")
def put(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="What to send.")],
    name: Annotated[str | None, typer.Option(help="What it is called there; else as here.")] = None,
    content_type: Annotated[str | None, typer.Option("--type", help="Its media type; else by its ending.")] = None,
    ttl: Annotated[int | None, typer.Option(min=60, help="Seconds that it is kept; else until it is deleted.")] = None,
    url: Url = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Upload a file, in parts where it is large, and print its key."""
    try:
        size = path.stat().st_size
        with path.open("rb") as content:
            kind = content_type or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
            wanted = {"name": name or path.name, "content_type": kind} | named(ttl=ttl)
            made = _send(find_server(url, key), content, size, wanted)
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from None
    if as_json:
        print_json(made)
    else:
        print(made["key"])


@files.command("get")
def get(
    file_key: FileKey,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Where to; else its name.")
    ] = None,
    url: Url = None,
    key: Key = None,
) -> None:
    """Download a file; one that is there already is not written over unless --output names it."""
    import httpx

    file = find_server(url, key).call("GET", f"/api/storage/{segment(file_key)}").json()
    if file["url"] is None:
        raise CommandError(f"{file_key} is {file['status']}: {file['reason'] or 'its content has not arrived yet.'}")
    # The last part only: a server's word is no way out of this folder.
    target = output or Path(Path(file["name"]).name)
    if output is None and target.exists():
        raise CommandError(f"{target} is there already. Name another file with --output.")
    part = target.with_name(target.name + ".part")
    try:
        with httpx.stream("GET", file["url"], timeout=_PATIENCE_S) as response, part.open("wb") as written:
            _check(response)
            for chunk in response.iter_bytes():
                written.write(chunk)
        part.replace(target)
    except (OSError, httpx.HTTPError) as error:
        raise CommandError(f"{target} could not be fetched: {error}") from None
    finally:
        part.unlink(missing_ok=True)
    print(target)


@files.command("rm")
def remove(
    keys: Annotated[list[str], typer.Argument(metavar="KEY...", help="As `smyth files ls` tells.")],
    url: Url = None,
    key: Key = None,
) -> None:
    """Delete files; there is no way back."""
    server = find_server(url, key)
    for one in keys:
        server.call("DELETE", f"/api/storage/{segment(one)}")
        print(f"deleted {one}")


def _send(server: Server, content: BinaryIO, size: int, wanted: dict[str, Any]) -> dict[str, Any]:
    if size <= _DIRECT_BYTES:
        form = {"file": (wanted["name"], content, wanted["content_type"])}
        ttl = {"ttl": str(wanted["ttl"])} if "ttl" in wanted else {}
        sent: dict[str, Any] = server.call("POST", "/api/storage/upload", files=form, data=ttl).json()
        return sent
    made: dict[str, Any] = server.call("POST", "/api/storage/upload", json=wanted | {"size": size}).json()
    if made.get("upload"):
        _upload(made["upload"], content, size)
        return made
    parts = made["multipart"]
    for number, part in enumerate(parts["parts"]):
        _upload(part, content, min(parts["part_bytes"], size - number * parts["part_bytes"]))
    done: dict[str, Any] = server.call("POST", parts["complete"]).json()
    return done


def _upload(upload: dict[str, Any], content: BinaryIO, size: int) -> None:
    import httpx

    headers = upload["headers"] | {"content-length": str(size)}
    try:
        _check(
            httpx.request(
                upload["method"], upload["url"], headers=headers, content=_next(content, size), timeout=_PATIENCE_S
            )
        )
    except httpx.HTTPError as error:
        raise CommandError(f"The upload broke off: {error}. Send the file again.") from None


def _next(content: BinaryIO, size: int) -> Iterator[bytes]:
    """Yield the next ``size`` bytes, never all at once."""
    while size > 0 and (chunk := content.read(min(_CHUNK, size))):
        size -= len(chunk)
        yield chunk


def _check(response: httpx.Response) -> None:
    if not response.is_success:
        raise CommandError(
            f"The storage answered HTTP {response.status_code}. Its addresses work for a while; try again."
        )


def _row(file: dict[str, Any]) -> tuple[object, ...]:
    kept = ("key", "name", "size", "content_type", "status", "created_at")
    return (*(file[name] for name in kept), file["ends_at"] or "")

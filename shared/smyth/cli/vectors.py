"""``smyth vectors``: list, show, search and delete what lies in namespaces of vectors."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from smyth.cli.output import AsJson, print_json, print_table
from smyth.cli.pages import Limit, all_of, named, segment
from smyth.cli.server import Key, Url, find_server

vectors = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True, help="Vectors of a server.")

Namespace = Annotated[str, typer.Argument(help="The namespace, as `smyth vectors list` tells.")]
Filter = Annotated[str | None, typer.Option("--filter", help='What metadata must say, as JSON: {"lang": "en"}.')]


@vectors.command("list")
def list_namespaces(limit: Limit = 100, url: Url = None, key: Key = None, as_json: AsJson = False) -> None:
    """List the namespaces."""
    items = all_of(find_server(url, key), "/api/vectordb", {}, limit)
    if as_json:
        print_json(items)
    else:
        print_table(["namespace"], [(one["namespace"],) for one in items])


@vectors.command("show")
def show(namespace: Namespace, url: Url = None, key: Key = None, as_json: AsJson = False) -> None:
    """Tell what a namespace holds."""
    found = find_server(url, key).call("GET", f"/api/vectordb/{segment(namespace)}").json()
    if as_json:
        print_json(found)
        return
    size = "unknown" if found["bytes"] is None else found["bytes"]
    print_table(
        ["namespace", "items", "dimensions", "bytes"],
        [(found["namespace"], found["items"], found["dimensions"] or "", size)],
    )


@vectors.command("search")
def search(
    namespace: Namespace,
    query: Annotated[str, typer.Argument(help="A text; the server's embedding model makes its vector.")],
    top_k: Annotated[int, typer.Option(min=1, max=100, help="At most so many hits.")] = 5,
    filter: Filter = None,
    hybrid: Annotated[
        bool, typer.Option("--hybrid", help="Rank by the words, too, where the server's store can.")
    ] = False,
    url: Url = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Find the items nearest to a text; billed like any search."""
    asked = {"namespace": namespace, "query": query, "top_k": top_k, "hybrid": hybrid} | named(filter=_read(filter))
    hits = find_server(url, key).call("POST", "/api/vectordb/search", json=asked).json()["hits"]
    if as_json:
        print_json(hits)
    else:
        print_table(["score", "id", "text"], [(f"{one['score']:.4f}", one["id"], one["text"] or "") for one in hits])


@vectors.command("delete")
def delete(
    namespace: Namespace,
    item_ids: Annotated[list[str] | None, typer.Argument(metavar="[ITEM_ID]...", help="Only these items.")] = None,
    filter: Filter = None,
    everything: Annotated[bool, typer.Option("--all", help="The namespace and all that is in it.")] = False,
    url: Url = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Delete items by id or by filter, or the whole namespace with --all."""
    if bool(item_ids) + (filter is not None) + everything != 1:
        raise typer.BadParameter("Name items, or give --filter, or --all; one of them.")
    server, path = find_server(url, key), f"/api/vectordb/{segment(namespace)}"
    if everything:
        answer = server.call("DELETE", path)
    else:
        which = {"ids": item_ids} if item_ids else {"filter": _read(filter)}
        answer = server.call("POST", f"{path}/delete", json=which)
    if as_json:
        print_json(answer.json())
    else:
        print(f"{answer.json()['deleted']} deleted")


def _read(filter: str | None) -> dict[str, Any] | None:
    if filter is None:
        return None
    try:
        read = json.loads(filter)
    except ValueError:
        read = None
    if not isinstance(read, dict):
        raise typer.BadParameter('--filter must be a JSON object, such as {"lang": "en"}.')
    return read

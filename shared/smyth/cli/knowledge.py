"""``smyth knowledge``: add documents, list and show them, search and remove them."""

from __future__ import annotations

import mimetypes
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from smyth.cli.errors import CommandError
from smyth.cli.output import AsJson, print_json, print_table
from smyth.cli.pages import Limit, all_of, named, segment
from smyth.cli.server import TIMEOUT_S, Key, Server, Url, find_server

knowledge = typer.Typer(
    add_completion=False, rich_markup_mode=None, no_args_is_help=True, help="Documents that agents know."
)

Namespace = Annotated[str, typer.Option("--namespace", "-n", help="The data space, as components name it.")]
DocumentId = Annotated[str, typer.Argument(metavar="DOCUMENT_ID", help="The id, as `smyth knowledge ls` tells.")]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until the documents are indexed.")]

_LOOK_EVERY_S = 0.5
_WORKING = ("queued", "parsing", "embedding")


@knowledge.command("add")
def add(
    files: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, help="PDF, DOCX, XLSX, PPTX, HTML, ...")],
    namespace: Namespace,
    wait: Wait = True,
    url: Url = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Add files, each in the place of the document with its name, and tell how indexing them ended."""
    server = find_server(url, key)
    sent = [_send(server, file, namespace) for file in files]
    found = [_ended(server, *one) if wait else _shown(server, *one) for one in sent]
    known = [one or {"id": document_id, "status": "pending"} for one, (document_id, _) in zip(found, sent, strict=True)]
    if as_json:
        print_json(known)
    else:
        print_table(["id", "name", "status", "pieces", "error"], map(_row, known))
    if any(one["status"] == "failed" for one in known):
        raise typer.Exit(1)


@knowledge.command("ls")
def ls(
    namespace: Annotated[str | None, typer.Option("--namespace", "-n", help="Only of this data space.")] = None,
    status: Annotated[str | None, typer.Option(help="queued, parsing, embedding, ready, failed or deleting.")] = None,
    limit: Limit = 100,
    url: Url = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """List documents."""
    items = all_of(find_server(url, key), "/api/knowledge", named(namespace=namespace, status=status), limit)
    if as_json:
        print_json(items)
        return
    rows = ([*_row(one)[:2], one["namespace"], *_row(one)[2:]] for one in items)
    print_table(["id", "name", "namespace", "status", "pieces", "error"], rows)


@knowledge.command("show")
def show(document_id: DocumentId, url: Url = None, key: Key = None) -> None:
    """Print all that is known of a document, as JSON."""
    print_json(find_server(url, key).call("GET", f"/api/knowledge/{segment(document_id)}").json())


@knowledge.command("search")
def search(
    query: Annotated[str, typer.Argument(help="The question.")],
    namespace: Namespace,
    top_k: Annotated[int, typer.Option("--top", min=1, max=100, help="At most so many pieces.")] = 5,
    document: Annotated[str | None, typer.Option("--document", help="Only in the document with this id.")] = None,
    url: Url = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Find the pieces nearest in meaning to a question; it is billed as a request."""
    body = {"namespace": namespace, "query": query, "top_k": top_k} | named(document_id=document)
    hits = find_server(url, key).call("POST", "/api/knowledge/search", json=body).json()["hits"]
    if as_json:
        print_json(hits)
        return
    rows = ((f"{hit['score']:.3f}", _origin(hit["source"]), " ".join((hit["text"] or "").split())) for hit in hits)
    print_table(["score", "source", "text"], rows)


@knowledge.command("rm")
def rm(document_id: DocumentId, url: Url = None, key: Key = None) -> None:
    """Delete a document and all its pieces."""
    find_server(url, key).call("DELETE", f"/api/knowledge/{segment(document_id)}")
    print(f"deleting {document_id}")


def _send(server: Server, file: Path, namespace: str) -> tuple[str, str]:
    """Send a file by the address that the server gives for it; return the document's id and its content's ETag."""
    import httpx

    content = file.read_bytes()
    content_type = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    planned = {"namespace": namespace, "name": file.name, "size": len(content), "content_type": content_type}
    made = server.call("POST", "/api/knowledge", json=planned).json()
    upload = made["upload"]
    try:
        answer = httpx.request(
            upload["method"], upload["url"], headers=upload["headers"], content=content, timeout=TIMEOUT_S
        ).raise_for_status()
    except httpx.HTTPError as error:
        raise CommandError(f"{file} could not be uploaded ({error}). Try again.") from None
    return str(made["id"]), answer.headers.get("etag", "").strip('"')


def _ended(server: Server, document_id: str, etag: str) -> dict[str, Any] | None:
    """Return the document when it is indexed or failed, or as it is when that takes too long."""
    deadline = time.monotonic() + TIMEOUT_S
    while True:
        shown = _shown(server, document_id, etag)
        if (shown and shown["status"] not in _WORKING) or time.monotonic() > deadline:
            return shown
        time.sleep(_LOOK_EVERY_S)


def _shown(server: Server, document_id: str, etag: str) -> dict[str, Any] | None:
    """Return the document, or None where the upload of this content has not been noticed yet."""
    try:
        found: dict[str, Any] = server.call("GET", f"/api/knowledge/{document_id}").json()
    except CommandError as error:
        if "(HTTP 404)" in str(error):
            return None
        raise
    return found if found.get("etag") == etag else None


def _row(one: dict[str, Any]) -> list[str]:
    pieces = (one.get("indexed") or {}).get("chunks", "")
    return [one["id"], one.get("name", ""), one["status"], str(pieces), one.get("error") or ""]


def _origin(source: dict[str, Any]) -> str:
    page = f", page {source['page']}" if source["page"] else ""
    section = f", {source['section']}" if source["section"] else ""
    return f"{source['name'] or source['document_id']}{page}{section}"

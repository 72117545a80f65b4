"""Speaking with a server: which one, with which key, and what its refusals say."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from smyth.cli.errors import CommandError

if TYPE_CHECKING:
    import httpx

Url = Annotated[str | None, typer.Option("--url", help="The server; else SMYTH_URL, else the running `smyth dev`.")]
Key = Annotated[str | None, typer.Option("--key", help="Your API key; else SMYTH_KEY, else that of `smyth dev`.")]

#: Written by ``smyth dev`` while it runs.
DEV_JSON = Path(".smyth/dev.json")
#: A model may take its time.
TIMEOUT_S = 120


@dataclass(frozen=True, slots=True)
class Server:
    """A server and the key to call it with."""

    url: str
    key: str
    #: Which tenant is meant by a member of several.
    tenant: str = ""

    @property
    def headers(self) -> dict[str, str]:
        """Who calls, and for which tenant."""
        return {"x-api-key": self.key} | ({"x-tenant-id": self.tenant} if self.tenant else {})

    def call(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **arguments: Any
    ) -> httpx.Response:
        """Send a request and return the answer if it is a good one.

        Raises:
            CommandError: The server cannot be reached, or refused; with its own words.
        """
        import httpx

        with self._failures_told():
            response = httpx.request(
                method, self.url + path, headers={**self.headers, **(headers or {})}, timeout=TIMEOUT_S, **arguments
            )
        if not response.is_success:
            raise CommandError(_refusal(response))
        return response

    async def events(self, path: str, body: dict[str, Any]) -> AsyncGenerator[dict[str, Any]]:
        """Post a request and yield the events of its stream.

        Raises:
            CommandError: As :meth:`call`.
        """
        import httpx

        headers = self.headers | {"accept": "text/event-stream"}
        with self._failures_told():
            async with (
                httpx.AsyncClient(timeout=TIMEOUT_S) as client,
                client.stream("POST", self.url + path, headers=headers, json=body) as response,
            ):
                if not response.is_success:
                    await response.aread()
                    raise CommandError(_refusal(response))
                async for line in response.aiter_lines():
                    if line.startswith("data:"):
                        yield json.loads(line.removeprefix("data:"))

    @contextmanager
    def _failures_told(self) -> Iterator[None]:
        """Say in plain words why the server cannot be asked."""
        import httpx

        try:
            yield
        except (httpx.InvalidURL, httpx.UnsupportedProtocol):
            raise CommandError(f'"{self.url}" is no URL of a server. Write it like http://127.0.0.1:8080.') from None
        except httpx.TimeoutException:
            raise CommandError(f"{self.url} did not answer within {TIMEOUT_S} seconds. Try again.") from None
        except httpx.HTTPError as error:
            raise CommandError(
                f"{self.url} cannot be reached ({error}). Start a server with `smyth dev`, or name another with --url."
            ) from None


def find_server(url: str | None, key: str | None) -> Server:
    """Return the server that the options, the environment or the running ``smyth dev`` name.

    Raises:
        CommandError: None of them names one.
    """
    dev = _dev()
    url = (url or os.environ.get("SMYTH_URL") or dev.get("url") or "").rstrip("/")
    if not url:
        raise CommandError(
            "No server is known. Start one with `smyth dev` in this folder, or give --url and --key "
            "(or SMYTH_URL and SMYTH_KEY)."
        )
    # The laptop's key is for the laptop: it is never sent to another server.
    own = dev.get("tenant_key") if url == str(dev.get("url")).rstrip("/") else None
    key = key or os.environ.get("SMYTH_KEY") or own
    if not key:
        raise CommandError(f"No API key for {url} is known. Give --key or set SMYTH_KEY.")
    return Server(url, key, os.environ.get("SMYTH_TENANT", ""))


def _dev() -> dict[str, Any]:
    try:
        dev = json.loads(DEV_JSON.read_bytes())
    except (OSError, ValueError):
        return {}
    return dev if isinstance(dev, dict) else {}


def _refusal(response: httpx.Response) -> str:
    """Return a problem document in one line."""
    try:
        problem = response.json()
        detail = problem.get("detail") or problem.get("message") or problem["title"]
    except (ValueError, KeyError, AttributeError):
        return f"{response.request.method} {response.request.url} was answered with HTTP {response.status_code}."
    faults = [str(error.get("message", error)) for error in problem.get("errors") or () if isinstance(error, dict)]
    more = f" ({len(faults) - 5} more)" if len(faults) > 5 else ""
    told = " ".join([str(detail), *(fault for fault in faults[:5] if fault not in str(detail))])
    return f"{told}{more} (HTTP {response.status_code})"

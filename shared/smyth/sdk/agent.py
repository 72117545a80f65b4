"""An agent to call from Python, without a cloud."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from smyth.components.base import Request
from smyth.connectors.files.stored import files_in
from smyth.connectors.ports import Ports
from smyth.conversation import AskedTurns
from smyth.document import Document, load
from smyth.engine import Limits, compile, run


class Agent:
    """A loaded ``.smyth`` document; any number of calls may run at once."""

    def __init__(self, document: Document, *, ports: Ports | None = None, limits: Limits | None = None) -> None:
        self.document = document
        self._plan = compile(document)
        ports = ports or Ports()
        self._ports = ports if ports.conversations else replace(ports, conversations=AskedTurns())
        self._limits = limits

    @classmethod
    def load(
        cls,
        source: str | Path | dict[str, Any],
        *,
        ports: Ports | None = None,
        limits: Limits | None = None,
        data: str | Path | None = None,
    ) -> Agent:
        """Load an agent from a ``.smyth`` file or from a document that was read already.

        Args:
            source: The path of the file, or the document.
            ports: What calls may use of the world; by default public addresses, no keys and the Echo model.
            limits: What one call may use up.
            data: A folder that keeps the files that calls store, in place of those of ``ports``.

        Raises:
            OSError: The file cannot be read.
            smyth.document.DocumentError: It holds no document.
        """
        content = source if isinstance(source, dict) else Path(source).read_bytes()
        if data is not None:
            ports = replace(ports or Ports(), files=files_in(Path(data)))
        return cls(load(content), ports=ports, limits=limits)

    async def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
        session: str | None = None,
        variables: Mapping[str, Any] | None = None,
        files: Iterable[Mapping[str, Any]] = (),
    ) -> dict[str, Any]:
        """Call an endpoint; return what the original's ``AgentProcess.run`` returns.

        That is ``{"data": ...}``, with a ``status`` where the path is no endpoint's; a failed
        run answers ``{"data": {"error": ...}}`` or the entry of the component that failed.

        Args:
            method: Such as ``POST``.
            path: Such as ``/api/hash``.
            query: Query parameters.
            headers: Request headers.
            body: The request's body, as read from JSON.
            session: Ties together what the agent remembers between calls.
            variables: Agent variables for this call, over those of the document.
            files: Uploaded files: ``{fieldname, originalname, mimetype, base64}``.
        """
        request = Request(method, path, headers or {}, query or {}, body, tuple(files))
        result = await run(
            self._plan, request, ports=self._ports, session_id=session, variables=variables, limits=self._limits
        )
        return result.answer()

    def call_sync(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        """Call an endpoint and wait; the arguments are those of :meth:`call`.

        Works inside a running event loop too (a notebook, an async web framework), which stands still meanwhile.
        """
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return asyncio.run(self.call(method, path, **options))
        with ThreadPoolExecutor(max_workers=1) as thread:
            return thread.submit(lambda: asyncio.run(self.call(method, path, **options))).result()

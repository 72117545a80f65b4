"""Gap: MiniStack waits 50 ms after every call that logs nothing, and keeps a log stream per call in memory for ever.

Runs inside the emulator's process. What a function logs goes to ``logs/functions/<function>.log`` at once; lines that
come late go with the next call.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ministack.core import lambda_runtime  # type: ignore[import-untyped]
from ministack.services import lambda_svc  # type: ignore[import-untyped]

#: Enough for a line that is already in the pipe.
_FIRST_LINE_SECONDS = 0.002


def bridge(folder: Path) -> None:
    """Shorten the wait and write logs to files in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    drain = lambda_runtime.Worker._drain_stderr_bounded

    def drain_shortly(worker: Any) -> str:
        return str(drain(worker, first_line_wait=_FIRST_LINE_SECONDS))

    def write(func: dict[str, Any], request_id: str, log_text: str, error: bool, duration_ms: int, **_: Any) -> None:
        if not log_text and not error:
            return
        name = str((func.get("config") or func).get("FunctionName", "unknown"))
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        verdict = "failed" if error else "done"
        with (folder / f"{name}.log").open("a") as file:
            file.write(f"{log_text.rstrip()}\n{now} {request_id} {verdict} in {duration_ms} ms\n")

    lambda_runtime.Worker._drain_stderr_bounded = drain_shortly
    lambda_svc._emit_lambda_logs = write

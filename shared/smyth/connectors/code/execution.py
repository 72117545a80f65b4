"""One call of user code in a fresh context of the engine. Runs inside the child process only."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

# The package around it starts a thread, which the child may not.
import _quickjs  # type: ignore[import-not-found]

from smyth.connectors.code.signature import parameters

_PRELUDE = Path(__file__).with_name("prelude.js").read_text("utf-8")
_ENCODING = Path(__file__).with_name("encoding.js").read_text("utf-8")
#: Far below the 8 MB that a process has, since the engine counts only its own frames.
_STACK_BYTES = 512 * 1024
_MEGABYTE = 1024 * 1024
#: For reading the log of code that has used up its memory.
_SPARE_MB = 8
_SYNTAX = re.compile(r"SyntaxError: (.*)\n\s+at <input>:(\d+):(\d+)\s*")
_LINE = re.compile(r"<input>:(\d+)")
_IMPORT = re.compile(r"""^\s*import\b[^"'`;]*["']([^"'\n]+)["']""", re.MULTILINE)
_PYTHON = re.compile(r"^(?:async\s+)?def\s+main\s*\(", re.MULTILINE)
_LONGEST_ERROR = 2000
#: What the engine's wrapper says when turning the thrown value into text threw once more.
_UNSPEAKABLE = "(Failed obtaining QuickJS error string"


class CodeError(Exception):
    """The call ended without a result; the message is for the author of the code."""


class Execution:
    """A fresh context, for one call. Making it is most of the work, so it can be made before the call is known."""

    def __init__(self) -> None:
        #: The code broke a limit of the engine: better not to use the process again.
        self.spent = False
        self._context = _quickjs.Context()
        self._context.set_max_stack_size(_STACK_BYTES)
        self._host = self._context.eval(_PRELUDE)()

    def run(self, source: str, inputs: dict[str, Any], *, limits: dict[str, Any], environment: Any = None) -> str:
        """Return what ``main`` returned as JSON; blank for undefined.

        Raises:
            CodeError: There is no result.
        """
        self._limits = limits
        self._cpu_until = time.process_time() + limits["cpu_s"]
        self._wall_until = time.monotonic() + limits["wall_s"]
        self._context.set_memory_limit(limits["memory_mb"] * _MEGABYTE)
        try:
            self._ask("begin", json.dumps({**limits, "environment": environment}))
            main = self._main(source)
            signature = self._ask("signature", main)
            if signature is None:
                raise CodeError("Main function exists but is not async")
            names = parameters(signature)
            arguments = [[inputs] if name is None else [inputs[name]] if name in inputs else [] for name in names]
            self._ask("call", main, json.dumps(arguments))
            return self._result()
        except _quickjs.JSException as error:
            raise CodeError(self._explained(str(error))) from None
        except UnicodeDecodeError:
            raise CodeError("The code threw half a character (a lone surrogate).") from None

    def logs(self) -> list[str]:
        """Return what was logged so far, whatever became of the call."""
        self._context.set_memory_limit((self._limits["memory_mb"] + _SPARE_MB) * _MEGABYTE)
        self._context.set_time_limit(1)
        try:
            lines: list[str] = json.loads(self._host("logs"))
            return lines
        except _quickjs.JSException:
            return []

    def _result(self) -> str:
        ending = self._ending()
        if ending == "error":
            raise CodeError(self._explained(self._ask("said")))
        output: str = self._ask("said")
        # Signs were counted before; only now it is known how many bytes they are.
        if ending == "long" or len(output.encode()) > self._limits["output_bytes"]:
            raise CodeError(f"The output is longer than {self._limits['output_bytes']:,} bytes. Return less.")
        return output

    def _main(self, source: str) -> Any:
        """Evaluate the source and return its main function.

        Raises:
            CodeError: There is none, or the source is not JavaScript.
        """
        self._grant_time()
        if "TextEncoder" in source or "TextDecoder" in source:
            self._context.eval(_ENCODING)
        try:
            self._context.eval(source)
        except UnicodeEncodeError:
            raise CodeError("Failed to parse code: it holds half a character (a lone surrogate). Remove it.") from None
        except _quickjs.JSException as error:
            if fault := _SYNTAX.fullmatch(str(error)):
                raise CodeError(_unreadable(source, fault)) from None
            raise
        self._grant_time()
        main = self._context.eval("typeof main === 'function' ? main : undefined")
        if main is None:
            raise CodeError("No main function found at root level")
        return main

    def _ending(self) -> str:
        """Let promises and timers go on until main has ended, and return how.

        Raises:
            CodeError: It never does, or not in time.
        """
        while True:
            self._run_jobs()
            if ending := self._ask("ending"):
                return str(ending)
            wait = self._ask("wait")
            if wait is None:
                raise CodeError("main never ends: it awaits a promise that nothing resolves.")
            if time.monotonic() + wait / 1000 >= self._wall_until:
                raise CodeError(self._too_slow())
            time.sleep(wait / 1000)
            self._ask("fire")

    def _run_jobs(self) -> None:
        self._grant_time()
        while self._context.execute_pending_job():
            self._grant_time()

    def _ask(self, verb: str, *arguments: Any) -> Any:
        self._grant_time()
        return self._host(verb, *arguments)

    def _grant_time(self) -> None:
        """Let the engine run for what is left; it counts anew at every entry.

        Raises:
            CodeError: Nothing is left.
        """
        left = self._cpu_until - time.process_time()
        if left <= 0:
            raise CodeError(self._too_busy())
        if time.monotonic() >= self._wall_until:
            raise CodeError(self._too_slow())
        self._context.set_time_limit(left)

    def _explained(self, said: str) -> str:
        """Say in our words what the engine says of limits, and shorten what it says of errors."""
        if said.startswith("InternalError: interrupted"):
            return self._too_busy()
        if said.startswith("InternalError: out of memory"):
            self.spent = True
            return f"The code used more than {self._limits['memory_mb']} MB of memory. Work on less data at once."
        if said.startswith(_UNSPEAKABLE):
            return "The code threw something that cannot be shown as text."
        message, _, stack = said.partition("\n    at ")
        line = _LINE.search(stack)
        return f"{message[:_LONGEST_ERROR]} (line {line[1]})" if line else message[:_LONGEST_ERROR].strip()

    def _too_busy(self) -> str:
        self.spent = True
        return f"The code used more than {self._limits['cpu_s']:g} s of CPU time. Look for a loop without end."

    def _too_slow(self) -> str:
        return f"The code did not end within {self._limits['wall_s']:g} s. Wait for less, or do less at once."


def _unreadable(source: str, fault: re.Match[str]) -> str:
    modules = ", ".join(f'"{name}"' for name in dict.fromkeys(_IMPORT.findall(source)))
    if modules:
        return f"There are no modules in the sandbox: {modules} cannot be imported. Write what you need into the code."
    if _PYTHON.search(source):
        return (
            "Only JavaScript runs in the sandbox, and this looks like Python. Write `async function main(...) {...}`."
        )
    message, line, column = fault.groups()
    return f"Failed to parse code: {message} ({line}:{column})"

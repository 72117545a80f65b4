"""The ``smyth`` command: finds the command asked for and imports only that one, so that it starts at once."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple


class _Command(NamedTuple):
    """Where a command's function is, and what the list of commands says of it."""

    module: str
    #: Or the name of a :class:`typer.Typer`, which has commands of its own.
    function: str
    summary: str
    #: Everything after the command's name is for another program, options too.
    passes_on: bool = False


_PASS_ON: dict[str, Any] = {"allow_interspersed_args": False, "ignore_unknown_options": True}

COMMANDS: dict[str, _Command] = {
    "dev": _Command("dev", "dev", "start the laptop cloud"),
    "demo": _Command("demo", "demo", "start the laptop cloud and call every part of it"),
    "import": _Command("import_agent", "import_agent", "send a .smyth file to a server"),
    "list": _Command("list_agents", "list_agents", "list the agents of a server"),
    "export": _Command("export_agent", "export_agent", "fetch an agent's .smyth file from a server"),
    "run": _Command("run", "run", "call an endpoint of a .smyth file, here, without a server"),
    "prompt": _Command("prompt", "prompt", "ask an agent once: one on a server, or a .smyth file here"),
    "chat": _Command("chat", "chat", "talk with an agent: one on a server, or a .smyth file here"),
    "budgets": _Command("budgets", "budgets", "say what a tenant, an agent or a key may spend"),
    "tenants": _Command("tenants", "tenants", "list, make, change, suspend, export and erase tenants"),
    "plans": _Command("plans", "plans", "print the price list"),
    "keys": _Command("keys", "keys", "list, make, change, rotate and revoke API keys"),
    "credentials": _Command("credentials", "credentials", "keep secrets that agents may use, on a server or in a file"),
    "knowledge": _Command("knowledge", "knowledge", "add, list, show, search and remove what agents know"),
    "schedules": _Command("schedules", "schedules", "list, make, change and remove what the clock starts"),
    "triggers": _Command("triggers", "triggers", "list, make, try and redrive what starts agents"),
    "vectors": _Command("vectors", "vectors", "list, show, search and delete vectors"),
    "members": _Command("members", "members", "list, invite, change and remove who may sign in"),
    "audit": _Command("audit", "audit", "list, export and check who did what on a server"),
    "files": _Command("files", "files", "list, upload, download and delete files"),
    "validate": _Command("validate", "validate", "check a .smyth file"),
    "components": _Command("components", "components", "list the components that agents may be built of"),
    "invoke": _Command("invoke", "invoke", "call a function's handler as Lambda would"),
    "compat": _Command("compat", "compat", "replay recorded cases of the original runtime and tell the differences"),
    "usage": _Command("usage", "usage", "tell what was used, or prove that totals equal the ledger"),
    "invoice": _Command("invoice", "invoice", "tell what is owed for a month, or write it as a page or PDF"),
    "payments": _Command("payments", "payments", "list payments, buy prepaid requests, write payments down"),
    "stack": _Command("stack", "stack", "make, change and remove the stacks of customers in AWS", passes_on=True),
    "cost": _Command("cost", "cost", "estimate what a customer's stack costs a month", passes_on=True),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command; the process ends with 0, with 1 for a failure or with 2 for wrong usage."""
    name, *rest = [*(sys.argv[1:] if arguments is None else arguments)] or ["--help"]
    if name in ("-h", "--help", "help"):
        print(_help())
    elif name == "--version":
        from importlib.metadata import version

        print(version("smyth-serverless"))
    elif name in COMMANDS:
        sys.exit(_run(name, rest))
    else:
        from difflib import get_close_matches

        close = get_close_matches(name, COMMANDS, n=1)
        hint = f' Did you mean "{close[0]}"?' if close else " smyth --help lists the commands."
        _tell(f'There is no command "{name}".{hint}')
        sys.exit(2)


def _help() -> str:
    lines = [f"  {name:<11} {command.summary}" for name, command in COMMANDS.items()]
    return "\n".join(
        [
            "Usage: smyth COMMAND [OPTIONS]",
            "",
            "Commands:",
            *lines,
            "",
            "smyth COMMAND --help tells a command's options.",
        ]
    )


def _run(name: str, arguments: list[str]) -> int:
    """Run the command and return the exit code; every error becomes one line."""
    import typer

    from smyth.cli.errors import CommandError

    command = COMMANDS[name]
    try:
        function: Callable[..., Any] = getattr(importlib.import_module(f"smyth.cli.{command.module}"), command.function)
        if isinstance(function, typer.Typer):
            app = function
        else:
            # Plain help: importing rich for its colours would take longer than all the rest.
            app = typer.Typer(add_completion=False, rich_markup_mode=None)
            app.command(name, context_settings=_PASS_ON if command.passes_on else None)(function)
        return int(typer.main.get_command(app).main(arguments, f"smyth {name}", standalone_mode=False) or 0)
    except CommandError as error:
        _tell(str(error))
        return error.exit_code
    except typer.TyperException as error:
        _tell(f"{error.format_message()} smyth {name} --help tells the options.")
        return error.exit_code
    except (typer.Abort, KeyboardInterrupt):
        return 130
    except Exception as error:
        if os.environ.get("SMYTH_DEBUG"):
            raise
        _tell(f"{error or type(error).__name__} (SMYTH_DEBUG=1 shows where.)")
        return 1


def _tell(message: str) -> None:
    """Write ``message`` to stderr as one line."""
    print("smyth:", " ".join(message.split()), file=sys.stderr)

"""``smyth invoke``."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import time
from contextlib import redirect_stdout
from pathlib import Path
from types import ModuleType
from typing import Annotated
from uuid import uuid4

import typer

from smyth.cli.errors import CommandError, UsageError
from smyth.cli.output import print_json
from smyth.cli.sources import pairs, read_json_file


class LambdaContext:
    """What Lambda tells a handler about the call, as far as handlers read it."""

    def __init__(self, function: str, timeout_s: int, memory_mb: int) -> None:
        self.function_name = function
        self.function_version = "$LATEST"
        self.invoked_function_arn = f"arn:aws:lambda:us-east-1:000000000000:function:{function}"
        self.memory_limit_in_mb = str(memory_mb)
        self.aws_request_id = str(uuid4())
        self.log_group_name = f"/aws/lambda/{function}"
        self.log_stream_name = "invoke"
        self._deadline = time.monotonic() + timeout_s

    def get_remaining_time_in_millis(self) -> int:
        """Return the time that is left before Lambda would end the call."""
        return max(0, int((self._deadline - time.monotonic()) * 1000))


def invoke(
    function: Annotated[str, typer.Argument(help="The folder's name under functions/.")],
    event: Annotated[Path, typer.Option("--event", help="A JSON file with the event, such as events/health.json.")],
    env: Annotated[
        list[str] | None,
        typer.Option("--env", metavar="K=V", help="Environment variable for the function; repeatable."),
    ] = None,
    data: Annotated[Path, typer.Option(help="Data folder of the `smyth dev` whose table and bucket to use.")] = Path(
        ".smyth"
    ),
) -> None:
    """Call a function's handler as Lambda would and print its answer as JSON."""
    from smyth.platform.routes import FUNCTIONS

    declared = {entry.name: entry for entry in FUNCTIONS}
    if function not in declared:
        raise UsageError(f'There is no function "{function}". There are: {", ".join(sorted(declared))}.')
    payload = read_json_file(event)
    os.environ.update(pairs("--env", env))
    if "TABLE_NAME" not in os.environ:
        os.environ.update(_environment(function, data))
    entry = declared[function]
    # The handler's log goes beside its answer, not into it.
    with redirect_stdout(sys.stderr):
        handler = _import(_folder() / function / "handler.py").handler
        answer = handler(payload, LambdaContext(function, entry.timeout_s, entry.memory_mb))
    print_json(json.loads(json.dumps(answer)))
    if isinstance(answer, dict) and int(answer.get("statusCode", 200)) >= 500:
        raise typer.Exit(1)


def _environment(function: str, data: Path) -> dict[str, str]:
    """Return the variables that the stack sets, from the running laptop cloud.

    Raises:
        CommandError: None runs on the folder.
    """
    from smyth.local.environment import environment_of

    found = environment_of(function, data)
    if found is None:
        raise CommandError(
            f"No stack is known whose table and bucket {function} could use. Start `smyth dev` in this folder, "
            "or give --env TABLE_NAME=... --env BUCKET_NAME=... (and AWS_ENDPOINT_URL) yourself."
        )
    return found


def _folder() -> Path:
    """Return ``functions/`` of the folder we are in, or of the checkout that this package lies in."""
    import smyth

    for root in (Path.cwd(), Path(smyth.__file__).resolve().parents[2]):
        if (root / "functions").is_dir():
            return root / "functions"
    raise CommandError("There is no folder functions/ here. Run this command in a checkout of the project.")


def _import(file: Path) -> ModuleType:
    """Import a handler by its path, as Lambda does: all of them are called ``handler``."""
    if not file.is_file():
        raise CommandError(f"{file} does not exist. The function is in the route table but has no handler.")
    specification = importlib.util.spec_from_file_location("handler", file)
    if specification is None or specification.loader is None:
        raise CommandError(f"{file} cannot be imported.")
    module = importlib.util.module_from_spec(specification)
    sys.modules["handler"] = module
    specification.loader.exec_module(module)
    return module

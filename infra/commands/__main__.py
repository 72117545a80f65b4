"""``python -m infra.commands stack|cost ...``, which ``smyth stack`` and ``smyth cost`` run."""

from __future__ import annotations

import os
import sys

import typer

from infra.commands.cloud import AWS_ERRORS, plain_words
from infra.commands.cost import cost
from infra.commands.stack import app as stack
from infra.customer import CustomerError
from infra.layers.errors import LayerError
from infra.node import NodeMissing
from infra.priced_stack import CostError
from infra.prices import PriceError
from smyth.cli.errors import CommandError

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)
app.add_typer(stack, name="stack")
app.command("cost")(cost)


def main(arguments: list[str]) -> int:
    """Run one command and return its exit code; every error becomes one line."""
    try:
        return int(typer.main.get_command(app).main(arguments, "smyth", standalone_mode=False) or 0)
    except CommandError as error:
        return _failed(str(error), error.exit_code)
    except (CustomerError, CostError, PriceError, LayerError, NodeMissing, FileNotFoundError) as error:
        return _failed(str(error), 1)
    except AWS_ERRORS as error:
        return _failed(plain_words(error), 1)
    except typer.TyperException as error:
        context = getattr(error, "ctx", None)
        path = context.command_path if context else "smyth"
        return _failed(f"{error.format_message()} {path} --help tells the options.", error.exit_code)
    except (typer.Abort, KeyboardInterrupt):
        return 130
    except Exception as error:
        if os.environ.get("SMYTH_DEBUG"):
            raise
        return _failed(f"{error or type(error).__name__} (SMYTH_DEBUG=1 shows where.)", 1)


def _failed(message: str, code: int) -> int:
    print("smyth:", " ".join(message.split()), file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

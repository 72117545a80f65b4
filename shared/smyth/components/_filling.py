"""Fill the placeholders of settings (COMPONENTS section 0)."""

from __future__ import annotations

from smyth.components.base import Call
from smyth.values import expand


def filled(text: str, call: Call) -> str:
    """Return ``text`` with the inputs and variables filled in.

    Secrets are filled where the author's text names them, never inside what the inputs bring.
    """
    passes = 5 if call.run.expand_caller_data else 1
    return expand(text, call.inputs, passes=passes, secret=call.run.secret_variables)

"""ServerlessCode: JavaScript of the agent's author, with secrets of the vault."""

from __future__ import annotations

import re
from typing import Any

from pydantic import Field

from smyth.components import base
from smyth.components._code import LONGEST_SOURCE, run_code
from smyth.components.base import Call, Component, ComponentError, Port
from smyth.values import to_json

_KEY = re.compile(r"\{\{KEY\(([^{}()]*)\)\}\}")
#: Where a reference may stand in JavaScript: a comment, one of three kinds of text, or plain code.
_PLACES = re.compile(
    r"""//[^\n]*|/\*.*?\*/|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`|""" + _KEY.pattern, re.DOTALL
)


class Settings(base.Settings):
    """Settings of ServerlessCode; those of an AWS function of one's own have no effect here."""

    code: str = Field(
        "",
        max_length=LONGEST_SOURCE,
        description="JavaScript with `async function main(...)`; its parameters are filled with the inputs of their "
        "names. `{{KEY(name)}}` stands for a secret of the vault. There are no modules and no network.",
    )
    code_imports: str = Field("", max_length=1000, description="Old form of the code: import lines.")
    code_body: str = Field("", max_length=LONGEST_SOURCE, description="Old form of the code: the body of main.")
    use_own_keys: bool = Field(False, description="Has no effect: code runs in the stack's own sandbox.")
    access_key_id: str = Field("", alias="accessKeyId", max_length=100, description="Has no effect.")
    secret_access_key: str = Field("", alias="secretAccessKey", max_length=200, description="Has no effect.")
    region: str = Field("", description="Has no effect.")


class ServerlessCode(Component):
    """Calls ``main`` of the code and gives what it returns (COMPONENTS section 3), at once and in the sandbox."""

    name = "ServerlessCode"
    title = "Code (JavaScript)"
    summary = "Runs JavaScript in a sandbox, with secrets of the vault."
    Settings = Settings
    outputs = (Port("Output", "Any", "What main returned."),)
    custom_inputs = True
    custom_outputs = True

    async def run(self, call: Call) -> dict[str, Any]:
        """Run the code on the inputs. The old form became ``code`` when the document was loaded."""
        source: str = call.settings.code
        secrets: dict[str, str] = {}
        for name in dict.fromkeys(_KEY.findall(source)):
            value = await call.run.ports.vault.get(call.run.team_id, name)
            if value is None:  # the original goes on with the name in place of the secret (compat README, quirk 29)
                raise ComponentError(f'The vault has no entry "{name}". Add it, or remove it from the code.')
            secrets[name] = value
        return await run_code(call, named_secrets(source), secrets)


def named_secrets(source: str) -> str:
    """Replace each ``{{KEY(name)}}`` by an expression that reads ``process.env``, also inside of texts.

    The value itself never becomes part of the source: whatever it holds, it stays data.
    """
    return _PLACES.sub(_named, source) if "{{KEY(" in source else source


def _named(place: re.Match[str]) -> str:
    text = place[0]
    if text.startswith(("//", "/*")):
        return text
    if text.startswith("`"):
        return _KEY.sub(lambda key: f"${{{_expression(key[1])}}}", text)
    if text.startswith(("'", '"')) and _KEY.search(text):
        quote = text[0]
        return "(" + _KEY.sub(lambda key: f"{quote}+{_expression(key[1])}+{quote}", text) + ")"
    return _KEY.sub(lambda key: _expression(key[1]), text)


def _expression(name: str) -> str:
    return f"process.env[{to_json(name)}]"

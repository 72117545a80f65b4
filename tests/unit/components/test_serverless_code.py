from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest

from smyth.components.base import ComponentError
from smyth.components.serverless_code import named_secrets
from smyth.connectors.code.port import CodeResult
from smyth.connectors.code.quickjs import local_sandbox
from smyth.connectors.ports import Ports
from smyth.connectors.vault.memory import MemoryVault
from smyth.document import load

Outputs = Callable[..., Awaitable[dict[str, Any]]]
#: It would end a text, a template and a comment, were it ever pasted.
SECRET = "s3cret\"'`${1}*/\n"
VAULT = Ports(vault=MemoryVault({"default": {"api key": SECRET}}))


class Listening:
    """The sandbox of this process, which remembers what it was given."""

    def __init__(self) -> None:
        self.sources: list[str] = []

    async def run(self, source: str, inputs: Any, *, environment: Mapping[str, str] | None = None) -> CodeResult:
        self.sources.append(source)
        return await local_sandbox().run(source, inputs, environment=environment)


async def test_main_is_called_with_the_inputs_and_at_once(outputs_of: Outputs) -> None:
    started = time.monotonic()
    found = await outputs_of(
        "ServerlessCode", {"code": "async function main(a, b) { return a * b; }"}, {"b": 3, "a": 2}
    )
    assert found == {"Output": 6}
    assert time.monotonic() - started < 30


async def test_the_old_form_runs_as_the_body_of_main(outputs_of: Outputs) -> None:
    old = {
        "id": "c",
        "name": "ServerlessCode",
        "data": {"code_imports": "", "code_body": "const sum = a + b;\nreturn { sum };"},
        "inputs": [{"name": "a"}, {"name": "b"}],
    }
    data = load({"components": [old], "connections": []}).components[0].data
    assert await outputs_of("ServerlessCode", data, {"a": 1, "b": 2}) == {"Output": {"sum": 3}}


async def test_an_import_is_refused_by_the_name_of_the_module(outputs_of: Outputs) -> None:
    old = {
        "id": "c",
        "name": "ServerlessCode",
        "data": {"code_imports": "import axios from 'axios';", "code_body": "1"},
    }
    with pytest.raises(ComponentError, match='"axios" cannot be imported'):
        await outputs_of("ServerlessCode", load({"components": [old], "connections": []}).components[0].data)
    with pytest.raises(ComponentError, match='no module "lodash"'):
        await outputs_of("ServerlessCode", {"code": "const _ = require('lodash'); async function main() {}"})


@pytest.mark.parametrize(
    "place",
    ["{{KEY(api key)}}", "'{{KEY(api key)}}'", '"{{KEY(api key)}}"', "`{{KEY(api key)}}`", "process.env['api key']"],
)
async def test_a_secret_is_a_value_wherever_its_reference_stands(outputs_of: Outputs, place: str) -> None:
    code = f"async function main() {{ const unused = '{{{{KEY(api key)}}}}'; return [{place}].join(); }}"
    assert await outputs_of("ServerlessCode", {"code": code}, ports=VAULT) == {"Output": SECRET}


async def test_a_secret_inside_of_a_text_is_joined_to_it(outputs_of: Outputs) -> None:
    code = "async function main() { return { h: 'Bearer {{KEY(api key)}}!' }.h + `<{{KEY(api key)}}>`.length; }"
    found = await outputs_of("ServerlessCode", {"code": code}, ports=VAULT)
    assert found == {"Output": f"Bearer {SECRET}!{len(SECRET) + 2}"}


async def test_a_secret_never_becomes_part_of_the_source(outputs_of: Outputs) -> None:
    listening = Listening()
    ports = Ports(vault=VAULT.vault, code=listening)
    code = "// {{KEY(api key)}}\nasync function main() { return '{{KEY(api key)}}' + {{KEY(api key)}}; }"
    assert await outputs_of("ServerlessCode", {"code": code}, ports=ports) == {"Output": SECRET * 2}
    assert "s3cret" not in listening.sources[0]


async def test_a_missing_secret_is_an_error_and_not_its_name(outputs_of: Outputs) -> None:
    code = "async function main() { return '{{KEY(nothing)}}'; }"
    with pytest.raises(ComponentError, match='The vault has no entry "nothing"'):
        await outputs_of("ServerlessCode", {"code": code}, ports=VAULT)


async def test_an_error_does_not_tell_a_secret(outputs_of: Outputs) -> None:
    code = "async function main() { throw new Error('refused: ' + {{KEY(k)}}); }"
    ports = Ports(vault=MemoryVault({"default": {"k": "hush-hush"}}))
    with pytest.raises(ComponentError, match=r"refused: \*\*\*"):
        await outputs_of("ServerlessCode", {"code": code}, ports=ports)


async def test_inputs_are_no_references(outputs_of: Outputs) -> None:
    code = "async function main(a) { return a; }"
    found = await outputs_of("ServerlessCode", {"code": code}, {"a": "{{KEY(api key)}}"}, ports=VAULT)
    assert found == {"Output": "{{KEY(api key)}}"}


async def test_python_is_refused_clearly(outputs_of: Outputs) -> None:
    with pytest.raises(ComponentError, match="Only JavaScript runs in the sandbox"):
        await outputs_of("ServerlessCode", {"code": "def main(a):\n    return a + 1"})


def test_code_without_references_stays_as_it_is() -> None:
    assert named_secrets("const a = {{b: 1}}; // '") == "const a = {{b: 1}}; // '"

"""Inputs of the types Binary, Image, Audio and Video in a run (ENGINE section 8)."""

from __future__ import annotations

from typing import Any

import pytest

from smyth.components.base import Request
from smyth.connectors.files.memory import MemoryFiles
from smyth.connectors.ports import Ports
from smyth.engine import run
from tests.unit.engine.workflows import call, endpoint, keep, output, plan

UPLOAD = {"fieldname": "f", "originalname": "notes.csv", "mimetype": "text/csv", "base64": "YSxiCg=="}


def taking(kind: str) -> Any:
    return plan(endpoint({"name": "f", "type": kind}), output("f"), wires=("E.body.f > O.f",))


@pytest.mark.parametrize("kind", ["Binary", "binary", "Image", "Audio", "Video"])
async def test_a_skill_takes_text_as_a_file(kind: str) -> None:
    file = (await call(taking(kind), {"f": "hello"}))["f"]
    assert (file["mimetype"], file["size"]) == ("text/plain", 5)
    assert file["url"].startswith("smythfs://default.team/agent/_temp/")
    assert file["name"].endswith("-f.txt")


async def test_an_upload_fills_the_input_of_its_field() -> None:
    result = await run(taking("Binary"), Request("POST", "/api/go", files=(UPLOAD,)))
    assert (result.data["f"]["mimetype"], result.data["f"]["size"]) == ("text/csv", 4)


async def test_uploads_of_one_field_are_a_list() -> None:
    result = await run(taking("Binary"), Request("POST", "/api/go", body={"f": "replaced"}, files=(UPLOAD, UPLOAD)))
    assert [file["size"] for file in result.data["f"]] == [4, 4]


async def test_an_upload_for_no_file_input_is_left_alone() -> None:
    assert (await run(taking("Text"), Request("POST", "/api/go", files=(UPLOAD,)))).data == []


async def test_a_number_is_an_error_at_once() -> None:
    answer = await call(taking("Binary"), {"f": 5})
    assert answer["result"]["_error"].startswith("Invalid Binary value")


async def test_a_text_input_gets_a_file_as_a_data_url() -> None:
    agent = plan(
        endpoint({"name": "f", "type": "Binary"}),
        keep("K", type="Text"),
        output("r"),
        wires=("E.body.f > K.Input", "K.Output > O.r"),
    )
    assert await call(agent, {"f": "hi"}) == {"r": "data:text/plain;base64,aGk="}


async def test_a_component_gets_a_file_once_however_often_it_is_passed_on() -> None:
    class Counting(MemoryFiles):
        writes = 0

        async def write(self, path: str, *args: Any, **kwargs: Any) -> None:
            Counting.writes += 1
            await super().write(path, *args, **kwargs)

    agent = plan(
        endpoint("f"),
        keep("K", "mimetype,size,url,name", type="Image"),
        keep("L", "mimetype,size,url,name", type="Binary"),
        output("r"),
        wires=("E.body.f > K.Input", "K.Output > L.Input", "L.Output > O.r"),
    )
    answer = await call(agent, {"f": "hi"}, ports=Ports(files=Counting()))
    assert answer["r"]["size"] == 2
    assert Counting.writes == 1


async def test_a_file_that_cannot_be_had_is_the_components_error() -> None:
    answer = await call(taking("Binary"), {"f": "smythfs://other.team/x"})
    assert "Access Denied" in answer["result"]["_error"]


async def test_a_default_may_be_a_file() -> None:
    agent = plan(
        endpoint({"name": "f", "type": "Binary", "defaultVal": "data:text/csv,a"}),
        output("f"),
        wires=("E.body.f > O.f",),
    )
    assert (await call(agent, {}))["f"]["mimetype"] == "text/csv"

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

from smyth.local.assembly import Assembly
from smyth.local.folder import DataFolder
from smyth.local.scripted_models import model_server, with_scripted_models


def folder(path: Path) -> DataFolder:
    made = DataFolder(path)
    made.create()
    return made


def stack(**variables: str) -> Assembly:
    function = {"Type": "AWS::Lambda::Function", "Properties": {"Environment": {"Variables": variables}}}
    return Assembly("laptop", {"Resources": {"one": function, "table": {"Type": "AWS::DynamoDB::Table"}}}, ())


def models_of(assembly: Assembly) -> dict[str, Any]:
    variables = assembly.template["Resources"]["one"]["Properties"]["Environment"]["Variables"]
    return dict(json.loads(variables["SMYTH_MODELS"]))


def test_the_port_stays_the_same_from_start_to_start(tmp_path: Path) -> None:
    with model_server(folder(tmp_path)) as first:
        pass
    folder(tmp_path).remember(deployed="inputs")
    with model_server(folder(tmp_path)) as second:
        assert second.port == first.port
    assert folder(tmp_path).read_settings()["deployed"] == "inputs"


def test_a_port_that_was_taken_makes_the_stack_be_deployed_anew(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        folder(tmp_path).remember(model_server_port=port, deployed="inputs")
        with model_server(folder(tmp_path)) as server:
            assert server.port != port
            assert folder(tmp_path).read_settings() == {"model_server_port": server.port, "deployed": ""}


def test_functions_learn_of_the_scripted_models() -> None:
    models = models_of(with_scripted_models(stack(SMYTH_MODELS=""), "http://127.0.0.1:9"))
    assert {name: entry["base_url"] for name, entry in models.items()} == {
        "scripted": "http://127.0.0.1:9/v1",
        "scripted-claude": "http://127.0.0.1:9",
    }


def test_what_the_stack_says_of_models_stays() -> None:
    own = {"scripted": {"provider": "OpenAI", "model": "mine"}, "other": {"provider": "Groq", "model": "x"}}
    models = models_of(with_scripted_models(stack(SMYTH_MODELS=json.dumps(own)), "http://127.0.0.1:9"))
    assert models["scripted"] == own["scripted"]
    assert models["other"] == own["other"]


def test_the_assembly_itself_is_left_as_it_is_and_so_are_functions_without_models() -> None:
    assembly = stack(OTHER="x")
    assert with_scripted_models(assembly, "http://127.0.0.1:9").template == assembly.template
    asked = stack(SMYTH_MODELS="")
    with_scripted_models(asked, "http://127.0.0.1:9")
    assert asked == stack(SMYTH_MODELS="")

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

import infra.functions
from infra.schemas import Schemas
from smyth.platform.routes import FUNCTIONS
from tests.infra.conftest import EVERYTHING, Stack

pytestmark = pytest.mark.xdist_group("infra")


def test_the_template_has_room_to_grow(demo: Stack, laptop: Stack, full: Stack, vector_bucket: Stack) -> None:
    for stack in (demo, laptop, full, vector_bucket):
        assert len(stack.resources) < 250, "CloudFormation takes 500"
        assert stack.path.stat().st_size < 700_000, "CloudFormation takes 1 MB"


def test_a_further_function_costs_few_resources(
    laptop: Stack, full: Stack, synthesised: Callable[..., Stack], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Itself; a version and an alias; and a role where its rights are new."""
    without = tuple(function for function in FUNCTIONS if function.name != "docs")
    monkeypatch.setattr(infra.functions, "FUNCTIONS", without)
    assert len(laptop.resources) - len(synthesised("laptop").resources) == 1
    assert len(full.resources) - len(synthesised("demo", **EVERYTHING).resources) == 3


@pytest.mark.parametrize("name", ["demo", "full", "vector_bucket"])
def test_cfn_lint_finds_no_error(name: str, request: pytest.FixtureRequest) -> None:
    stack: Stack = request.getfixturevalue(name)
    linted = subprocess.run(
        [Path(sys.executable).parent / "cfn-lint", "-i", "W3005", "-t", stack.path], capture_output=True, text=True
    )
    assert linted.returncode == 0, linted.stdout


def test_the_same_content_gives_the_same_template(
    laptop: Stack, full: Stack, synthesised: Callable[..., Stack]
) -> None:
    assert synthesised("laptop").path.read_bytes() == laptop.path.read_bytes()
    assert synthesised("demo", **EVERYTHING).path.read_bytes() == full.path.read_bytes()


def test_functions_bring_code_only(demo: Stack) -> None:
    """Bytecode lies in the layers, where it is made for their Python."""
    for handler in demo.path.parent.glob("asset.*/handler.py"):
        for path in handler.parent.rglob("*"):
            assert path.name != "__pycache__"
            assert path.suffix != ".pyc"


def test_docs_bring_the_published_document(demo: Stack) -> None:
    [beside] = demo.path.parent.glob("asset.*/openapi.json")
    assert json.loads(beside.read_text()) is not None
    assert (beside.parent / "handler.py").is_file()


def test_outputs_tell_what_callers_need(demo: Stack) -> None:
    wanted = {
        *("ApiId", "ApiUrl", "StageName", "TableName", "BucketName", "OperatorSecretArn"),
        *("UsagePlanIds", "FunctionNames"),
    }
    assert wanted <= set(demo.template["Outputs"])
    assert demo.template["Outputs"]["StageName"]["Value"] == "api"


def test_models_are_in_the_dialect_of_api_gateway(demo: Stack) -> None:
    models = demo.document["components"]["schemas"]
    for name, schema in models.items():
        assert name.isalnum()
        jsonschema.Draft4Validator.check_schema(schema)
    for reference in _references(demo.document):
        assert reference.removeprefix("#/components/schemas/") in models


def _references(value: object) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [found for part in value.values() for found in _references(part)]
    if isinstance(value, list):
        return [found for part in value for found in _references(part)]
    return []


def test_schemas_become_models_without_what_the_gateway_refuses() -> None:
    tree = {
        "type": "object",
        "properties": {
            "name": {"type": "string", "pattern": "^a", "default": "x", "examples": ["y"]},
            "kind": {"const": "leaf"},
            "size": {"anyOf": [{"type": "integer", "exclusiveMinimum": 0}, {"type": "null"}]},
            "either": {"anyOf": [{"type": "integer"}, {"type": "string"}, {"type": "null"}]},
            "free": True,
            "children": {"type": "array", "items": {"$ref": "#/components/schemas/Tree_Node"}},
        },
        "additionalProperties": False,
    }
    body = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Tree_Node"}}}}
    operation = {
        "requestBody": body,
        "responses": {"201": {"description": "Made", **body}, "422": {"description": "No"}},
    }
    schemas = Schemas({"paths": {"/t": {"post": operation}}, "components": {"schemas": {"Tree_Node": tree}}})
    said = schemas.operation("POST", "/t")
    reference = {"$ref": "#/components/schemas/TreeNode"}
    assert said["requestBody"]["content"]["application/json"]["schema"] == reference
    assert set(said["responses"]) == {"default", "201"}
    assert schemas.models["TreeNode"] == {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "kind": {"enum": ["leaf"]},
            "size": {"type": "integer", "minimum": 0, "exclusiveMinimum": True},
            "either": {"anyOf": [{"type": "integer"}, {"type": "string"}]},
            "free": {},
            "children": {"type": "array", "items": reference},
        },
        "additionalProperties": False,
    }

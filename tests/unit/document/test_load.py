from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smyth.document import DocumentError, load, validate

SHARED = Path(__file__).resolve().parents[3] / "../shared"


def originals() -> list[Any]:
    """Every document of the original that lies beside the checkout."""
    files = sorted([*SHARED.glob("samples/*.smyth"), *SHARED.glob("lab/bench-agents/*.smyth")])
    found = [pytest.param(json.loads(file.read_text()), id=file.stem) for file in files]
    for file in sorted(SHARED.glob("compat/cases/*.json")):
        case = json.loads(file.read_text())
        for number, document in enumerate([case["agent"], *case.get("sub_agents", [])]):
            found.append(pytest.param(document, id=f"{file.stem}-{number}"))
    return found


@pytest.mark.parametrize("raw", originals())
def test_a_document_of_the_original_comes_out_as_it_went_in(raw: dict[str, Any]) -> None:
    as_read = json.dumps(raw)
    assert json.dumps(load(as_read).export()) == as_read
    assert json.dumps(load(raw).export()) == as_read


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
names = st.text(max_size=6)
indexes = st.integers(-2, 5) | names


def objects(required: dict[str, Any], optional: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with the named members and some that nobody knows, in any order."""
    known = st.fixed_dictionaries(required, optional=optional)
    unknown = st.dictionaries(names.map(lambda name: f"x{name}"), json_values, max_size=2)
    return st.builds(lambda a, b: {**b, **a}, known, unknown)


ports = st.lists(
    objects({"name": names}, {"type": names, "optional": st.booleans(), "defaultVal": json_values, "index": st.none()}),
    max_size=3,
)
components = objects(
    {"id": names, "name": names},
    {
        "data": st.dictionaries(names, json_values, max_size=3),
        "inputs": ports,
        "outputs": ports,
        "receptors": ports | st.lists(names, max_size=2),
        "title": st.none() | names,
        "top": json_values,
    },
)
connections = objects({"sourceId": names, "sourceIndex": indexes, "targetId": names, "targetIndex": indexes}, {})
documents = objects(
    {"components": st.lists(components, max_size=4), "connections": st.lists(connections, max_size=4)},
    {"version": names, "behavior": names, "description": st.none() | names, "ui": json_values},
)
files = documents | st.builds(lambda inner, name: {"name": name, "data": inner}, documents, names)


@given(files)
def test_any_document_comes_out_as_it_went_in(raw: dict[str, Any]) -> None:
    as_read = json.dumps(raw)
    assert json.dumps(load(raw).export()) == as_read
    assert json.dumps(load(as_read.encode()).export()) == as_read
    assert json.dumps(load(load(raw).export()).export()) == as_read


@given(json_values | st.dictionaries(st.sampled_from(["components", "connections", "data", "name"]), json_values))
def test_any_other_json_is_loaded_or_refused_and_never_crashes(raw: Any) -> None:
    try:
        exported = load(json.dumps(raw)).export()
    except DocumentError:
        return
    assert exported == raw


@given(st.dictionaries(st.sampled_from(["id", "name", "data", "inputs", "receptors", "receptorProps"]), json_values))
def test_any_component_is_loaded_or_refused_and_never_crashes(component: dict[str, Any]) -> None:
    try:
        validate(load(minimal(components=[component, {"name": "APICall", **component}])), lambda _: False)
    except DocumentError:
        return


@pytest.mark.parametrize("name", ["_source", "by_id", "export", "model_config", "__class__", "team_id", "self", ""])
def test_members_of_any_name_are_kept_and_change_nothing(name: str) -> None:
    document = load(minimal(**{name: 5}))
    assert document.export() == minimal(**{name: 5})
    assert (document.by_id, document.team_id) == ({}, None)


@given(st.binary() | st.text())
def test_any_text_is_loaded_or_refused_and_never_crashes(raw: bytes | str) -> None:
    with pytest.raises(DocumentError):
        load(raw)


def minimal(**members: Any) -> dict[str, Any]:
    return {"version": "1.0.0", "components": [], "connections": [], **members}


def refused(source: Any) -> Any:
    with pytest.raises(DocumentError) as caught:
        load(source)
    assert len(caught.value.findings) == 1
    return caught.value.findings[0]


def test_changing_an_export_or_the_source_does_not_change_the_document() -> None:
    raw = minimal(ui={"zoom": 1})
    document = load(raw)
    raw["ui"]["zoom"] = 2
    document.export()["ui"]["zoom"] = 3
    assert document.export() == minimal(ui={"zoom": 1})


@pytest.mark.parametrize(
    ("source", "code", "words"),
    [
        (b"\xff\xfe{", "not_json", "UTF-8"),
        ("{", "not_json", "line 1, column 2"),
        ("", "not_json", "line 1, column 1"),
        ('{"components": NaN}', "not_json", "components holds a number"),
        ('{"components": [], "connections": [], "x": 1e999}', "not_json", "x holds a number"),
        ('{"x": ' + "9" * 5000 + "}", "not_json", "thousands of digits"),
        ("[]", "not_a_document", "not a list"),
        ("null", "not_a_document", "not null"),
        ("{}", "not_a_document", "components"),
        ('{"data": {"a": 1}}', "not_a_document", "components"),
        ("[" * 100_000, "too_deep", "100 levels"),
        ('{"components": [], "connections": [], "ui": ' + "[" * 120 + "]" * 120 + "}", "too_deep", "100 levels"),
        ('{"components": [], "connections": [], "name": "\\ud800"}', "not_unicode", "name"),
        ('{"components": [], "connections": [], "\\udfff": 1}', "not_unicode", "key"),
        ({"components": [], "connections": [], 1: 2}, "not_json", "key that is not text"),
        ({"components": [], "connections": [], "at": float("nan")}, "not_json", "at holds a number"),
        ({"components": [], "connections": [], "at": {1, 2}}, "not_json", "at holds set"),
    ],
)
def test_what_is_no_document_is_refused_with_what_to_do(source: Any, code: str, words: str) -> None:
    finding = refused(source)
    assert finding.code == code
    assert words in finding.message


@pytest.mark.parametrize(
    ("raw", "path", "code"),
    [
        ({"components": []}, "connections", "missing"),
        (minimal(components={}), "components", "wrong_type"),
        (minimal(components=[5]), "components[0]", "wrong_type"),
        (minimal(components=[{"name": "FHash"}]), "components[0].id", "missing"),
        (minimal(components=[{"id": "a", "name": 7}]), "components[0].name", "wrong_type"),
        (minimal(components=[{"id": "a", "name": "A", "data": []}]), "components[0].data", "wrong_type"),
        (minimal(components=[{"id": "a", "name": "A", "inputs": [{}]}]), "components[0].inputs[0].name", "missing"),
        (minimal(variables=[]), "variables", "wrong_type"),
        (minimal(connections=[{}, 3][1:]), "connections[0]", "wrong_type"),
        (
            minimal(connections=[{"sourceId": "a", "sourceIndex": True, "targetId": "b", "targetIndex": 0}]),
            "connections[0].sourceIndex",
            "wrong_type",
        ),
    ],
)
def test_a_wrong_member_is_named_by_its_path(raw: dict[str, Any], path: str, code: str) -> None:
    finding = refused(raw)
    assert (finding.path, finding.code) == (path, code)
    assert path in finding.message


def test_a_wrong_port_names_its_component() -> None:
    finding = refused({"data": minimal(components=[{"id": "C1", "name": "A", "outputs": [{"name": []}]}])})
    assert finding.component_id == "C1"
    assert finding.message.endswith("it must be text, but is a list.")


def test_a_wrong_index_names_its_connection() -> None:
    wire = {"sourceId": "a", "sourceIndex": 1.5, "targetId": "b", "targetIndex": "in"}
    finding = refused(minimal(connections=[wire]))
    assert finding.connection == 0
    assert finding.message.endswith("it must be a position or a port's name, but is a number.")


def test_all_wrong_members_are_told_at_once_and_no_flood_is_made() -> None:
    with pytest.raises(DocumentError) as caught:
        load(minimal(components=[{"id": number, "name": number} for number in range(5000)]))
    assert len(caught.value.findings) == 100
    assert "And" in str(caught.value)


def test_a_large_document_is_read_quickly_enough() -> None:
    many = [{"id": f"c{n}", "name": "FHash", "data": {}, "inputs": [], "outputs": []} for n in range(20_000)]
    assert len(load(json.dumps(minimal(components=many))).components) == 20_000

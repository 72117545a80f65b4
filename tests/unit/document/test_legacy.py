from __future__ import annotations

from typing import Any

from smyth.document import load


def one(component: dict[str, Any], **members: Any) -> Any:
    raw = {"components": [{"id": "c", **component}], "connections": [], **members}
    document = load(raw)
    assert document.export() == raw
    return document


def test_receptors_and_connectors_are_inputs_and_outputs() -> None:
    component = one(
        {"name": "FHash", "receptors": [{"name": "Data", "default": True}], "connectors": [{"name": "Hash"}]}
    ).components[0]
    assert component.inputs[0].name == "Data"
    assert component.inputs[0].default
    assert component.outputs[0].name == "Hash"


def test_named_ports_take_the_properties_beside_them() -> None:
    component = one(
        {"name": "FHash", "receptors": ["Data", "Extra"], "receptorProps": [{"optional": True, "type": "Text"}]}
    ).components[0]
    assert [(port.name, port.type, port.optional) for port in component.inputs] == [
        ("Data", "Text", True),
        ("Extra", "Any", False),
    ]


def test_present_ports_win_over_old_ones() -> None:
    component = one({"name": "FHash", "inputs": [{"name": "new"}], "receptors": [{"name": "old"}]}).components[0]
    assert [port.name for port in component.inputs] == ["new"]


def test_the_description_is_the_behavior_where_there_is_none() -> None:
    assert one({"name": "FHash"}, description="be kind").behavior == "be kind"
    assert one({"name": "FHash"}, description="for lists", behavior="be kind").behavior == "be kind"
    assert one({"name": "FHash"}, description="for lists", behavior="").behavior == ""


def test_a_wrapped_document_is_unwrapped_and_takes_the_name_outside() -> None:
    raw = {"name": "outside", "version": "2", "data": {"version": "1.0.0", "components": [], "connections": []}}
    document = load(raw)
    assert (document.name, document.version) == ("outside", "1.0.0")
    assert document.export() == raw


def test_old_settings_take_their_present_names() -> None:
    assert one({"name": "AgentPlugin", "data": {"openAiModel": "m"}}).components[0].data["model"] == "m"
    assert one({"name": "AgentPlugin", "data": {"openAiModel": "m", "model": "n"}}).components[0].data["model"] == "n"
    call = {"name": "APICall", "data": {"oauthService": "Google"}}
    assert one(call).components[0].data["oauth_con_id"] == "OAUTH_c_TOKENS"
    assert one({"name": "APICall", "data": {"oauthService": "None"}}).components[0].data["oauth_con_id"] == "None"


def test_old_code_becomes_a_main_function_of_the_inputs() -> None:
    code = one(
        {
            "name": "ServerlessCode",
            "data": {"code_imports": "import x from 'x'", "code_body": "return a + b"},
            "inputs": [{"name": "a"}, {"name": "b"}],
        }
    ).components[0]
    assert code.data["code"] == "import x from 'x'\nasync function main(a, b) {\nreturn a + b\n}"


def test_null_members_count_as_absent() -> None:
    document = one({"name": "FHash", "title": None, "data": None, "inputs": None}, description=None, behavior=None)
    assert document.components[0].data == {}
    assert document.behavior == ""

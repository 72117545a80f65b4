from __future__ import annotations

import jsonschema
import pytest

from smyth.components.catalog import components, describe
from smyth.components.registry import UnknownComponent, find, names


def test_every_registered_component_is_there_once() -> None:
    assert [one.name for one in components()] == list(names())


@pytest.mark.parametrize("name", names())
def test_a_component_is_told_whole(name: str) -> None:
    told = describe(name)
    kind = find(name)
    assert told.name == name
    assert told.title
    assert told.summary
    assert [port.name for port in told.inputs] == [port.name for port in kind.inputs]
    assert [port.name for port in told.outputs] == [port.name for port in kind.outputs]
    assert (told.custom_inputs, told.custom_outputs) == (kind.custom_inputs, kind.custom_outputs)
    jsonschema.Draft202012Validator.check_schema(told.settings_schema)


@pytest.mark.parametrize("name", names())
def test_settings_are_told_by_the_names_that_documents_use(name: str) -> None:
    told = set(describe(name).settings_schema.get("properties", {}))
    assert told == {field.alias or key for key, field in find(name).Settings.model_fields.items()}


@pytest.mark.parametrize("name", names())
def test_every_setting_says_what_it_is_for(name: str) -> None:
    settings = describe(name).settings_schema.get("properties", {})
    assert [key for key, rule in settings.items() if not rule.get("description")] == []


def test_an_unknown_component_is_refused() -> None:
    with pytest.raises(UnknownComponent, match="FHush"):
        describe("FHush")

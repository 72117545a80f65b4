from __future__ import annotations

from smyth.components.registry import names
from tests.unit.cli.conftest import Smyth


def test_all_components_are_listed(smyth: Smyth) -> None:
    ran = smyth("components")
    assert ran.code == 0
    listed = {line.split()[0] for line in ran.out.splitlines()[1:] if not line.startswith(" ")}
    assert listed == set(names())


def test_the_json_is_that_of_the_api(smyth: Smyth) -> None:
    told = smyth("components", "--json").json()
    assert [one["name"] for one in told["items"]] == list(names())
    assert told["next_cursor"] is None


def test_a_component_tells_its_settings_by_the_names_in_documents(smyth: Smyth) -> None:
    ran = smyth("components", "GenAILLM")
    lines = {line.split()[0]: line for line in ran.out.splitlines() if line[:1].strip()}
    assert "(required)" in lines["model"]
    assert "one of json, text" in lines["responseFormat"]
    assert "False" in lines["passthrough"]
    assert "max_tokens" not in ran.out
    assert "maxTokens" in lines
    assert "Outputs (authors may add their own)" in ran.out


def test_the_case_of_a_name_does_not_matter(smyth: Smyth) -> None:
    assert smyth("components", "fhash", "--json").json()["name"] == "FHash"


def test_an_unknown_name_is_told_with_the_known_ones(smyth: Smyth) -> None:
    ran = smyth("components", "FHush")
    assert ran.code == 1
    assert 'no component named "FHush"' in ran.err
    assert "FHash" in ran.err

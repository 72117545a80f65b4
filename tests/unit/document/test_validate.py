from __future__ import annotations

import time
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from smyth.document import CATALOG, Finding, load, validate

RUN = {"APIEndpoint", "APIOutput", "FHash", "JSONFilter", "LogicAND"}


def component(identity: str, name: str = "JSONFilter", **members: Any) -> dict[str, Any]:
    ports = {"inputs": [{"name": "Input"}], "outputs": [{"name": "Output", "default": True}, {"name": "Output.n"}]}
    return {"id": identity, "name": name, "data": {}, **ports, **members}


def endpoint(identity: str = "E", path: str = "go", **data: Any) -> dict[str, Any]:
    return {
        "id": identity,
        "name": "APIEndpoint",
        "data": {"endpoint": path, **data},
        "inputs": [{"name": "t"}],
        "outputs": [{"name": "body", "default": True}, {"name": "body.t"}],
    }


def wire(source: str, target: str, source_index: int | str = 0, target_index: int | str = 0) -> dict[str, Any]:
    return {"sourceId": source, "sourceIndex": source_index, "targetId": target, "targetIndex": target_index}


def found(components: list[dict[str, Any]], *wires: dict[str, Any]) -> list[Finding]:
    document = load({"version": "1.0.0", "components": components, "connections": list(wires)})
    return validate(document, RUN.__contains__)


def codes(components: list[dict[str, Any]], *wires: dict[str, Any]) -> list[str]:
    return [f"{finding.level} {finding.code}" for finding in found(components, *wires)]


def test_a_sound_document_has_no_findings() -> None:
    assert found([endpoint(), component("A")], wire("E", "A", "body.t", "Input"), wire("E", "A", 1, 0)) == []


def test_the_catalogue_has_the_originals_51_names() -> None:
    assert len(CATALOG) == 51


def test_two_components_with_one_id() -> None:
    [finding] = found([endpoint(), component("A"), component("A")])
    assert (finding.level, finding.code, finding.component_id) == ("error", "duplicate_id", "A")
    assert "components[1]" in finding.message
    assert "components[2]" in finding.message


def test_a_name_that_nobody_has_is_an_error_and_one_of_the_originals_a_warning() -> None:
    components = [endpoint(), component("A", "APICall"), component("B", "FrobnicatorX")]
    assert codes(components) == ["error unknown_component", "warning component_not_run_yet"]


def test_a_connection_to_nowhere_names_the_end_that_is_missing() -> None:
    first, second = found([endpoint()], wire("gone", "lost"))
    assert (first.code, first.component_id, first.connection) == ("dangling_connection", "gone", 0)
    assert (second.path, second.component_id) == ("connections[0].targetId", "lost")


def test_an_unknown_port_is_told_with_the_ports_there_are() -> None:
    first, second, third = found(
        [endpoint(), component("A")], wire("E", "A", 9, 0), wire("E", "A", 0, "nope"), wire("E", "A", -1, 0)
    )
    assert (first.code, first.component_id, first.port, first.connection) == ("unknown_port", "E", "9", 0)
    assert '"body", "body.t"' in first.message
    assert (second.path, second.port, second.connection) == ("connections[1].targetIndex", "nope", 1)
    assert third.port == "-1"


def test_a_trigger_may_start_an_endpoint_without_feeding_an_input() -> None:
    trigger = component("T", "JobSchedulerTrigger")
    assert codes([trigger, endpoint()], wire("T", "E", 0, -1)) == ["warning component_not_run_yet"]
    assert codes([component("A"), endpoint()], wire("A", "E", 0, -1)) == ["error unknown_port"]


def test_endpoints_that_cannot_be_called_are_warned_of() -> None:
    assert codes([endpoint(path="has space")]) == ["warning endpoint_name"]
    assert codes([component("A")]) == ["warning no_endpoint"]
    assert codes([endpoint("E"), endpoint("F"), endpoint("G", method="GET")]) == ["warning duplicate_endpoint"]


def test_a_component_wired_to_itself() -> None:
    [finding] = found([endpoint(), component("A")], wire("E", "A"), wire("A", "A"))
    assert (finding.level, finding.code, finding.connection, finding.port) == ("error", "self_connection", 1, "Input")


def test_a_loop_with_a_condition_is_a_warning() -> None:
    looped = [wire("E", "A"), wire("A", "B", "Output.n"), wire("B", "A")]
    assert codes([endpoint(), component("A"), component("B")], *looped) == ["warning cycle"]
    gated = [wire("E", "A"), wire("A", "G"), wire("G", "A")]
    assert codes([endpoint(), component("A"), component("G", "LogicAND")], *gated) == ["warning cycle"]


def test_a_loop_that_another_input_holds_back_is_a_warning() -> None:
    both = {"inputs": [{"name": "Input"}, {"name": "Once"}]}
    wires = [wire("E", "A"), wire("E", "B", 0, "Once"), wire("A", "B"), wire("B", "A")]
    assert codes([endpoint(), component("A"), component("B", **both)], *wires) == ["warning cycle"]


def test_a_loop_without_an_end_is_an_error() -> None:
    wires = [wire("E", "A"), wire("A", "B"), wire("B", "A"), wire("B", "O")]
    components = [endpoint(), component("A"), component("B"), component("O", "APIOutput")]
    assert codes(components, *wires) == ["error cycle_never_ends"]
    assert codes([endpoint(), component("A")], wire("E", "A", 1), wire("A", "E")) == ["error cycle_never_ends"]


def test_a_cycle_that_no_run_can_enter_is_an_error() -> None:
    island = [wire("A", "B"), wire("B", "A")]
    assert codes([endpoint(), component("A"), component("B")], *island) == ["error cycle_never_starts"]
    both = {"inputs": [{"name": "Input"}, {"name": "Back"}]}
    stuck = [wire("E", "A"), wire("A", "B"), wire("B", "A", 0, "Back")]
    assert codes([endpoint(), component("A", **both), component("B")], *stuck) == ["error cycle_never_starts"]
    optional = {"inputs": [{"name": "Input"}, {"name": "Back", "optional": True}]}
    assert "error cycle_never_starts" not in codes([endpoint(), component("A", **optional), component("B")], *stuck)


def test_a_flood_of_findings_is_cut_and_errors_are_never_hidden() -> None:
    many = [component(f"c{number}", "APICall") for number in range(300)]
    findings = found([endpoint(), *many, component("bad", "Nobody")])
    assert len(findings) == 100
    assert findings[0].code == "unknown_component"


def test_a_huge_tangle_is_checked_in_time() -> None:
    size = 5_000
    components = [endpoint(), *(component(f"c{number}") for number in range(size))]
    wires = [wire("E", "c0"), *(wire(f"c{number}", f"c{(number + 1) % size}") for number in range(size))]
    wires += [wire(f"c{number}", f"c{number - 1}", 1) for number in range(1, size)]
    started = time.process_time()
    assert codes(components, *wires) == ["error cycle_never_ends"]
    assert time.process_time() - started < 5


identities = st.sampled_from(["E", "A", "B", "C", "gone"])
wires = st.builds(wire, identities, identities, st.integers(-1, 3) | st.just("body"), st.integers(-1, 2))


@given(st.lists(wires, max_size=12))
def test_any_wiring_is_judged_without_a_crash(tangle: list[dict[str, Any]]) -> None:
    names = {finding.as_json()["code"] for finding in found([endpoint(), *map(component, "ABC")], *tangle)}
    assert ("dangling_connection" in names) == any("gone" in (w["sourceId"], w["targetId"]) for w in tangle)

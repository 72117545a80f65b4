"""What the original gets wrong is done right: its engine, its values, its small components.

Each test says the number of the bug (the recordings' list of quirks, ``docs/compatibility.md``).
"""

from __future__ import annotations

from hashlib import md5
from typing import Any

from smyth.connectors.ports import Ports
from smyth.connectors.telemetry.memory import MemoryTelemetry
from smyth.connectors.vault.memory import MemoryVault
from tests.unit.engine.workflows import call, encode, endpoint, keep, loop, output, part, plan


def hash_part(identity: str = "H", **data: Any) -> dict[str, Any]:
    settings = {"algorithm": "md5", "encoding": "hex", **data}
    return part(identity, "FHash", settings, inputs=("Data",), outputs=("Hash!",))


def digest(text: str) -> str:
    return md5(text.encode(), usedforsecurity=False).hexdigest()


async def test_a_value_that_reaches_a_component_while_it_runs_makes_it_run_again() -> None:
    """Bug 7."""
    agent = plan(
        endpoint("v"), keep("K"), hash_part(), wires=("E.body.v > K.Input", "E.body.v > H.Data", "K.Output > H.Data")
    )
    heard = MemoryTelemetry()
    await call(agent, {"v": "x"}, ports=Ports(telemetry=heard))
    assert [span.component_id for span in heard.spans].count("H") == 2


async def test_variables_need_not_be_texts() -> None:
    """Bug 8."""
    agent = plan(endpoint("v"), output("v"), wires=("E.body.v > O.v",), variables={"n": 5, "o": {"k": [1]}})
    assert await call(agent, {"v": "{{n}} {{o.k[0]}}"}) == {"v": "5 1"}


async def test_the_filter_alone_tells_its_error_output_that_there_is_none() -> None:
    """Bug 10: kept for JSONFilter, where recorded agents count on it; a loop is silent."""
    why = output("why", identity="P")
    wires = ("E.body.v > K.Input", "K._error > P.why")
    agent = plan(endpoint("v"), keep("K", type="Integer", error=True), why, wires=wires)
    assert await call(agent, {"v": 5}) == {"why": None}
    assert await call(agent, {"v": "five"}) == {"why": "Invalid Integer value"}
    wires = ("E.body.v > L.Input", "L.Loop > H.Data", "L._error > P.why", "L.Result > O.v")
    agent = plan(endpoint("v"), loop("L", "results-array", "_error"), encode("H"), output("v"), why, wires=wires)
    assert await call(agent, {"v": ["a"]}) == {"v": ["61"]}


async def test_a_loop_takes_more_items_than_a_component_may_run() -> None:
    """Bug 14."""
    wires = ("E.body.list > L.Input", "L.Loop > H.Data", "L.Result > O.v")
    agent = plan(endpoint("list"), loop(), encode("H"), output("v"), wires=wires)
    assert await call(agent, {"list": ["a"] * 150}) == {"v": ["61"] * 150}


async def test_an_error_of_the_engine_says_what_is_wrong_and_where() -> None:
    """Bug 15."""
    agent = plan(endpoint("v"), part("X", "Frobnicator", inputs=("v",)), wires=("E.body.v > X.v",))
    answer = await call(agent, {"v": 1})
    assert (answer["id"], answer["name"]) == ("X", "Frobnicator")
    assert '"Frobnicator", which this version does not know' in answer["error"]
    agent = plan(endpoint("v"), output("v"), wires=("E.body.v > O.nope",))
    assert "'nope'" in (await call(agent, {"v": 1}))["error"]


async def test_a_body_stays_what_it_is() -> None:
    """Bug 18."""
    agent = plan(endpoint(), output("all"), wires=("E.body > O.all",))
    for body in ([1, 2], "text", 7):
        assert await call(agent, body) == {"all": body}


async def test_an_output_may_have_the_name_of_a_variable() -> None:
    """Bug 26."""
    agent = plan(endpoint("a"), output("a"), wires=("E.body.a > O.a",), variables={"a": "variable"})
    assert await call(agent, {"a": "input"}) == {"a": "input"}


async def test_a_vault_key_that_is_missing_does_not_become_its_name() -> None:
    """Bug 29: also, a document without a team has the keys of the team ``default``."""
    agent = plan(
        endpoint("v"),
        output("v", {"name": "key", "defaultVal": "{{token}}"}, {"name": "none", "defaultVal": "{{nothing}}"}),
        wires=("E.body.v > O.v",),
        variables={"token": "{{KEY(TOKEN)}}", "nothing": "{{KEY(NOTHING)}}"},
    )
    ports = Ports(vault=MemoryVault({"default": {"TOKEN": "s3cret"}}))
    assert await call(agent, {"v": 1}, ports=ports) == {"v": 1, "key": "s3cret", "none": "{{KEY(NOTHING)}}"}


async def test_the_team_of_a_document_without_one_has_a_name() -> None:
    """Bug 31."""
    agent = plan(endpoint("v"), output("v"), wires=("E.body.v > O.v",))
    assert await call(agent, {"v": "{{KEY(teamid)}}"}) == {"v": "default"}


def binary_agent() -> Any:
    return plan(endpoint({"name": "f", "type": "Binary"}), output("f"), wires=("E.body.f > O.f",))


async def test_text_that_might_be_base64_stays_text() -> None:
    """Bug 40."""
    found = (await call(binary_agent(), {"f": "SGVsbG8="}))["f"]
    assert (found["mimetype"], found["size"], found["name"][-4:]) == ("text/plain", 8, ".txt")


async def test_a_number_for_a_file_ends_with_an_answer() -> None:
    """Bug 41."""
    answer = await call(binary_agent(), {"f": 5})
    assert answer["result"]["_error"].startswith("Invalid Binary value")


async def test_a_file_has_the_size_of_its_content() -> None:
    """Bug 42."""
    assert (await call(binary_agent(), {"f": "data:text/csv;base64,YSxiCjEsMgo="}))["f"]["size"] == 8


async def test_a_default_that_does_not_fit_fails_only_what_needs_it() -> None:
    """Bug 44."""
    port = {"name": "n", "type": "Integer", "defaultVal": "many", "optional": True}
    agent = plan(endpoint(port), output("n"), wires=("E.body.n > O.n",))
    assert await call(agent, {"n": 5}) == {"n": 5}
    assert "Invalid Integer value" in str(await call(agent, {}))


async def test_a_default_that_mentions_a_parameter_gets_what_was_sent() -> None:
    """Bug 45."""
    ports = ({"name": "a", "defaultVal": "hi"}, {"name": "b", "defaultVal": "a is {{a}}"})
    agent = plan(endpoint(*ports), output("a", "b"), wires=("E.body.a > O.a", "E.body.b > O.b"))
    assert await call(agent, {"a": "Bonjour"}) == {"a": "Bonjour", "b": "a is Bonjour"}


async def test_a_hash_is_text_or_an_error() -> None:
    """Bug 50."""
    agent = plan(endpoint("v"), hash_part(encoding=""), wires=("E.body.v > H.Data",))
    assert (await call(agent, {"v": "x"}))["result"] == {"Hash": digest("x")}
    agent = plan(endpoint("v"), hash_part(encoding="base99"), wires=("E.body.v > H.Data",))
    assert (await call(agent, {"v": "x"}))["result"]["_error"].startswith("Unknown encoding: base99")


async def test_an_unknown_way_to_sign_is_an_error() -> None:
    """Bug 52."""
    sign = part("S", "FSign", {"signMethod": "ECDSA", "key": "k"}, inputs=("Data",), outputs=("Signature!",))
    agent = plan(endpoint("v"), sign, wires=("E.body.v > S.Data",))
    result = (await call(agent, {"v": "x"}))["result"]
    assert "ECDSA" in result["_error"]
    assert "Signature" not in result


async def test_a_time_stands_alone_in_its_result() -> None:
    """Bug 55."""
    stamp = part("T", "FTimestamp", {"format": "unix"}, inputs=("Trigger",), outputs=("Timestamp!",))
    agent = plan(endpoint("v"), stamp, wires=("E.body.v > T.Trigger",))
    for _ in range(20):
        assert list((await call(agent, {"v": 1}))["result"]) == ["Timestamp"]


async def test_a_gate_whose_limit_is_above_its_inputs_answers() -> None:
    """Bug 59."""
    for name, limit, verified in (("LogicAtLeast", "minSetInputs", False), ("LogicAtMost", "maxSetInputs", True)):
        gate = part("G", name, {limit: 9}, inputs=("a", "b"), outputs=("Output!", "Verified!", "Unverified!"))
        agent = plan(endpoint("a", "b"), gate, wires=("E.body.a > G.a", "E.body.b > G.b"))
        result = (await call(agent, {"a": 1, "b": 1}))["result"]
        assert ("Verified" in result, "Unverified" in result) == (verified, not verified)


async def test_a_filter_without_fields_is_no_error() -> None:
    """Bug 60."""
    filter_ = part("K", "JSONFilter", {}, inputs=("Input",), outputs=("Output!", "_error"))
    agent = plan(endpoint("v"), filter_, wires=("E.body.v > K.Input",))
    assert (await call(agent, {"v": {"a": 1}}))["result"] == {"Output": {}}


async def test_an_item_of_null_is_an_item() -> None:
    """Bug 65."""
    agent = plan(
        endpoint("list"),
        loop(form="minimal"),
        keep("K"),
        output("v"),
        wires=("E.body.list > L.Input", "L.Loop > K.Input", "L.Result > O.v"),
    )
    assert await call(agent, {"list": [1, None, 2]}) == {"v": [{"Output": 1}, {"Output": None}, {"Output": 2}]}


async def test_a_loop_goes_on_where_paths_meet_and_where_an_item_starts_nothing() -> None:
    """Bug 66."""
    meeting = plan(
        endpoint("list"),
        loop(),
        encode("H"),
        output("item", "hex", identity="I"),
        output("v"),
        wires=(
            "E.body.list > L.Input",
            "L.Loop > H.Data",
            "L.Loop > I.item",
            "H.Output > I.hex",
            "L.Result > O.v",
        ),
    )
    assert await call(meeting, {"list": ["a"]}) == {"v": ["a", "61"]}
    some = {"name": "Loop.name", "expression": "Loop.name"}
    missing = plan(
        endpoint("list"),
        part("L", "ForEach", {"format": "results-array"}, inputs=("Input",), outputs=("Loop!", "Result!", some)),
        encode("H"),
        output("v"),
        wires=("E.body.list > L.Input", "L.Loop.name > H.Data", "L.Result > O.v"),
    )
    assert await call(missing, {"list": [{"name": "a"}, {}, {"name": "b"}]}) == {"v": ["61", "62"]}

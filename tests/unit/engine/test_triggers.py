from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from smyth.components import registry
from smyth.components._triggers import Trigger
from smyth.components.base import Answered, Call, ComponentError
from smyth.document import load
from smyth.engine import Plan, compile
from tests.unit.engine.workflows import Part, ask, call, encode, endpoint, keep, output, part, plan

Bring = Callable[..., None]


@pytest.fixture
def bring(monkeypatch: pytest.MonkeyPatch) -> Bring:
    """Let the trigger ``Bell`` bring these payloads, or fail with this."""
    find = registry.find

    def prepare(*payloads: Any, fails: Exception | None = None) -> None:
        class Bell(Trigger):
            name = "Bell"

            async def collect(self, call: Call) -> list[Any]:
                if fails is not None:
                    raise fails
                return list(payloads)

        bell = Bell()
        monkeypatch.setattr(registry, "find", lambda name: bell if name == "Bell" else find(name))

    return prepare


def bell(*outputs: str | dict[str, Any], name: str = "ring") -> Part:
    return part("T", "Bell", {"triggerEndpoint": name}, outputs=("Payload!", *outputs))


def ringing() -> Plan:
    return plan(bell({"name": "n", "expression": "Payload.deep.n"}), encode("H"), wires=("T.n > H.Data",))


async def ring(compiled: Plan, path: str = "/trigger/ring", **options: Any) -> Any:
    return await call(compiled, {}, path, **options)


async def test_one_payload_runs_the_workflow_once_and_the_trigger_answers_null(bring: Bring) -> None:
    bring({"deep": {"n": "a"}})
    assert await ring(ringing()) == [None, {"id": "H", "name": "FEncDec", "result": {"Output": "61"}}]


async def test_no_payload_runs_nothing(bring: Bring) -> None:
    bring()
    assert await ring(ringing()) is None


async def test_several_payloads_are_looped_over(bring: Bring) -> None:
    bring({"deep": {"n": "a"}}, {"deep": {"n": "b"}})
    assert await ring(ringing()) == [{"Output": "61"}, {"Output": "62"}]


async def test_more_payloads_than_a_component_may_run(bring: Bring) -> None:
    bring(*({"deep": {"n": "a"}} for _ in range(150)))
    assert len(await ring(ringing())) == 150


async def test_any_method_and_a_version_in_the_path(bring: Bring) -> None:
    bring()
    compiled = ringing()
    assert (await ask(compiled, {}, "/v1.2/trigger/ring", method="GET")).data is None
    assert (await ask(compiled, {}, "/trigger/ring", method="PUT")).data is None


async def test_an_unknown_trigger_is_told(bring: Bring) -> None:
    bring()
    assert await ring(ringing(), "/trigger/rang") == {"error": "Endpoint POST /trigger/rang Not Found"}
    assert await ring(ringing(), "/api/ring") == {"error": "Endpoint POST /api/ring Not Found"}


async def test_skills_are_no_triggers() -> None:
    assert await ring(plan(endpoint("x")), "/trigger/go") == {"error": "Endpoint POST /trigger/go Not Found"}


async def test_a_failure_is_seen(bring: Bring) -> None:
    bring(fails=ComponentError("The bell is broken."))
    assert await ring(ringing()) == {"id": "T", "name": "Bell", "result": {"_error": "The bell is broken."}}


async def test_a_trigger_may_answer_by_itself(bring: Bring) -> None:
    bring(fails=Answered(403, "No."))
    result = await ask(ringing(), {}, "/trigger/ring")
    assert result.answer() == {"status": 403, "data": "No."}
    assert not result.failed


async def test_a_trigger_feeds_the_parameters_of_a_skill(bring: Bring) -> None:
    bring({"deep": {"n": "7"}})
    compiled = plan(
        bell({"name": "n", "expression": "Payload.deep.n"}),
        endpoint({"name": "x", "type": "Integer"}),
        output("r"),
        wires=("T.n > E.x", "E.body.x > O.r"),
    )
    assert await ring(compiled, query={"x": "not this"}) == [None, {"r": 7}]


async def test_a_control_connection_starts_a_skill_with_the_payload(bring: Bring) -> None:
    bring({"x": "a", "y": "b"})
    compiled = plan(bell(), endpoint("x"), keep("K"), output("r"), wires=("E.body.x > K.Input", "K.Output > O.r"))
    document = compiled.document.export()
    document["connections"].append({"sourceId": "T", "sourceIndex": 0, "targetId": "E", "targetIndex": -1})
    assert await ring(compile(load(document))) == [None, {"r": "a"}]

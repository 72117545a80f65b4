"""The function that follows the table is woken by what it sorts, and by nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ministack.services import lambda_svc  # type: ignore[import-untyped]

from infra.events import CHANGES
from smyth.aws.stream import Changes, read
from tests.infra.conftest import Stack

pytestmark = pytest.mark.xdist_group("infra")


def _change(pk: str, sk: str, new: dict[str, Any] | None, event: str = "MODIFY") -> dict[str, Any]:
    change: dict[str, Any] = {"Keys": {"pk": {"S": pk}, "sk": {"S": sk}}}
    return {"eventName": event, "dynamodb": change | ({"NewImage": new} if new is not None else {})}


COUNTS = {"used": {"N": "7"}}
WAKING = {
    "meter": _change("T#ten-1#METER#2026-11", "0", COUNTS),
    "budget": _change("T#ten-1#BUDGET#tenant#2026-11", "3", {"spent": {"N": "1"}, "free": {"N": "0"}}),
    "alert": _change("T#ten-1#ALERT", "SENT#a", {"state": {"S": "new"}}, "INSERT"),
    "tenant": _change("T#ten-1", "META", {"plan": {"S": "pro"}}),
}
SLEEPING = {
    "open entry": _change("T#ten-1#L#2026-11-23", "01ARZ", {"status": {"S": "reserved"}}, "INSERT"),
    "agent": _change("T#ten-1", "AGENT#agt-1", {"name": {"S": "a"}}),
    "conversation": _change("T#ten-1#C#con-1", "META", {"turns": {"N": "2"}}),
    "key": _change("KEY#abc", "META", {"role": {"S": "owner"}}),
    "forgotten alert": _change("T#ten-1#ALERT", "SENT#a", None, "REMOVE"),
}


def _wakes(record: dict[str, Any]) -> bool:
    """The emulator's reading of AWS's filter patterns."""
    esm = {"FilterCriteria": {"Filters": [{"Pattern": json.dumps(pattern)} for pattern in CHANGES]}}
    return bool(lambda_svc._apply_filter_criteria([record], esm))


@pytest.mark.parametrize("status", ["settled", "released"])
def test_a_final_entry_wakes(status: str) -> None:
    assert _wakes(_change("T#ten-1#L#2026-11-23", "01ARZ", {"status": {"S": status}}))


@pytest.mark.parametrize("what", WAKING)
def test_what_is_sorted_wakes(what: str) -> None:
    assert _wakes(WAKING[what])
    assert read([WAKING[what]]) != Changes()


@pytest.mark.parametrize("what", SLEEPING)
def test_everything_else_does_not(what: str) -> None:
    assert not _wakes(SLEEPING[what])


def test_a_bad_change_is_found_tried_again_and_kept(demo: Stack) -> None:
    [mapping] = [
        one for one in demo.of("AWS::Lambda::EventSourceMapping").values() if "StreamArn" in str(one["EventSourceArn"])
    ]
    [queue] = [id for id, one in demo.of("AWS::SQS::Queue").items() if one["QueueName"] == "smyth-demo-dead-letters"]
    assert mapping["DestinationConfig"] == {"OnFailure": {"Destination": {"Fn::GetAtt": [queue, "Arn"]}}}
    assert mapping["BisectBatchOnFunctionError"] is True
    assert mapping["MaximumRetryAttempts"] == 10
    assert mapping["MaximumRecordAgeInSeconds"] < 24 * 3600, "the stream forgets after a day"
    patterns = [json.loads(one["Pattern"]) for one in mapping["FilterCriteria"]["Filters"]]
    assert patterns == list(CHANGES)
    assert len(patterns) <= 5, "AWS takes no more"

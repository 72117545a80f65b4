"""Saves are whole: a process killed at any moment leaves the last whole one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from smyth.local.state import ItemChange, StateFile

_HOME = "000000000000/us-east-1/agents"
#: Saves number after number, each as one item and one service state, and tells of each save that returned.
_WRITER = """
import sys
from pathlib import Path
from smyth.local.state import ItemChange, StateFile
state = StateFile(Path(sys.argv[1]))
for number in range(1, 100000):
    items = [ItemChange("home", str(n), "-", {"N": str(number)}) for n in range(200)]
    state.save(services={"counter": str(number)}, changes=items)
    print(number, flush=True)
"""


def test_a_save_is_found_by_the_next_start(tmp_path: Path) -> None:
    state = StateFile(tmp_path / "state.db")
    state.save(services={"s3": "{}"}, changes=[ItemChange(_HOME, "T#1", "META", {"pk": {"S": "T#1"}})])
    state.close()
    again = StateFile(tmp_path / "state.db")
    assert again.services() == {"s3": "{}"}
    assert list(again.items()) == [ItemChange(_HOME, "T#1", "META", {"pk": {"S": "T#1"}})]


def test_deleted_items_and_dropped_tables_are_gone(tmp_path: Path) -> None:
    state = StateFile(tmp_path / "state.db")
    kept = ItemChange("other", "a", "b", {"x": {"N": "1"}})
    state.save(services={}, changes=[ItemChange(_HOME, "1", "a", {}), ItemChange(_HOME, "2", "a", {}), kept])
    state.save(services={}, changes=[ItemChange(_HOME, "1", "a", None)])
    assert {(change.home, change.pk) for change in state.items()} == {(_HOME, "2"), ("other", "a")}
    state.save(services={}, dropped_tables=[_HOME])
    assert list(state.items()) == [kept]


def test_a_save_that_fails_changes_nothing(tmp_path: Path) -> None:
    state = StateFile(tmp_path / "state.db")
    state.save(services={"s3": "old"}, changes=[ItemChange(_HOME, "1", "a", {"v": 1})])
    no_json = ItemChange(_HOME, "2", "a", {"v": object()})
    with pytest.raises(TypeError):
        state.save(services={"s3": "new"}, changes=[ItemChange(_HOME, "1", "a", {"v": 2}), no_json])
    assert state.services() == {"s3": "old"}
    assert [change.item for change in state.items()] == [{"v": 1}]


@pytest.mark.parametrize("saves_before_the_kill", [1, 2, 5, 9])
def test_a_kill_tears_no_save_and_loses_none_that_returned(tmp_path: Path, saves_before_the_kill: int) -> None:
    path = tmp_path / "state.db"
    writer = subprocess.Popen([sys.executable, "-c", _WRITER, str(path)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    for _ in range(saves_before_the_kill):
        told = int(writer.stdout.readline())
    os.kill(writer.pid, signal.SIGKILL)
    told = int((writer.stdout.read().split() or [told])[-1])
    writer.wait()
    state = StateFile(path)
    saved = int(state.services()["counter"])
    assert saved >= told
    assert [change.item for change in state.items()] == [{"N": str(saved)}] * 200

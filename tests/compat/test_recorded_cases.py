"""Recorded behaviour of the original runtime, replayed.

Recorded with SmythOS SRE 1.7.42; ``smyth compat tests/compat/cases --peer "node tests/compat/echo_server.mjs"`` tells
the same by hand.
"""

from __future__ import annotations

import json
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from smyth.components import fsleep
from smyth.components.fsleep import seconds
from smyth.sdk.compat import peer as peer_server
from smyth.sdk.compat.replay import judge

HERE = Path(__file__).resolve().parent
CASES = sorted((HERE / "cases").glob("*.json"))
VAULT = json.loads((HERE / "vault.json").read_text())
#: The recordings' HTTP server, embeddings and scripted model.
SERVER = HERE / "echo_server.mjs"
#: What a case that asks the server has in it.
_ASKS = (peer_server.RECORDED_ADDRESS, '"fake-llm"', '"DataSource')
WITH_PEER = [case for case in CASES if any(asked in case.read_text() for asked in _ASKS)]

#: Cases that sleep for half a minute and more; here they do so twenty times as quickly.
SLOW = ("upstream-async",)


def replayed(case: Path) -> dict[tuple[str, int], list[str]]:
    """The requests that must be answered as recorded and are not."""
    judged = enumerate(judge(case, VAULT))
    return {
        (case.stem, number): one.differences
        for number, one in judged
        if one.differences and one.bug is None and one.unmarked_bug is None
    }


@pytest.mark.parametrize("case", [case for case in CASES if case not in WITH_PEER], ids=lambda case: case.stem)
def test_answers_are_those_of_the_original(case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if case.stem in SLOW:
        monkeypatch.setattr(fsleep, "seconds", lambda delay: seconds(delay) / 20)
    assert replayed(case) == {}


@pytest.fixture(scope="module")
def peer() -> Iterator[None]:
    node = shutil.which("node")
    if node is None:
        pytest.skip("the recordings' HTTP server needs node")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(peer_server, "PORT", port)
        patch.setenv("ECHO_PORT", str(port))
        with peer_server.running(f"{node} {SERVER}"):
            yield


@pytest.mark.xdist_group("litellm")
@pytest.mark.usefixtures("peer")
@pytest.mark.parametrize("case", WITH_PEER, ids=lambda case: case.stem)
def test_answers_with_a_server_are_those_of_the_original(case: Path) -> None:
    assert replayed(case) == {}

"""The drill of docs/operations.md on the laptop: back up, lose everything, restore, and all is there.

Left out of ``make test`` for the time it takes; ``make test-infra`` runs it.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.laptop import EXAMPLES, Dev, processes_of, start

pytestmark = pytest.mark.deploys

_DOCUMENT = json.loads((EXAMPLES / "hash-api.smyth").read_text())


def _everything(http: httpx.Client, agent: str, conversation: str) -> dict[str, Any]:
    """What a tenant can ask for without being billed, so that asking changes nothing."""
    paths = (
        *("/api/agents", "/api/keys", "/api/models", "/api/usage"),
        *(f"/api/agents/{agent}/export", f"/api/agents/{agent}/versions"),
        f"/api/agents/{agent}/conversations/{conversation}",
    )
    answers = {path: http.get(path) for path in paths}
    assert {path: answer.status_code for path, answer in answers.items()} == dict.fromkeys(paths, 200)
    return {path: answer.json() for path, answer in answers.items()}


def test_a_copy_of_a_stopped_cloud_s_folder_brings_everything_back(dev: Dev, tmp_path: Path) -> None:
    data, backup = tmp_path / "data", tmp_path / "backup"
    first = start(data, like=dev)
    with first.client() as http:
        agent = http.post("/api/agents/import", json=_DOCUMENT).json()["id"]
        turn = http.get(f"/api/agents/{agent}/chat", params={"message": "remember"}).json()["conversation_id"]
        vectors = {"namespace": "kept", "items": [{"id": "north", "vector": [0.0, 1.0]}]}
        assert http.post("/api/vectordb/upsert", json=vectors).status_code == 200
        before = _everything(http, agent, turn)
    first.stop()
    shutil.copytree(data, backup)
    shutil.rmtree(data)
    shutil.copytree(backup, data)

    restored = start(data)
    try:
        with restored.client() as http:
            assert _everything(http, agent, turn) == before
            search = {"namespace": "kept", "vector": [0.0, 1.0], "top_k": 1}
            assert http.post("/api/vectordb/search", json=search).json()["hits"][0]["id"] == "north"
            run = http.post(f"/api/agents/{agent}/run/hash", json={"text": "Hello World"})
            assert run.json()["md5"] == "b10a8db164e0754105b7a99be72e3fe5"
    finally:
        restored.stop()
    assert processes_of(data) == []

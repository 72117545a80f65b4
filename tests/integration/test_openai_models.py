"""Agents as models of OpenAI's API: who sees which."""

from __future__ import annotations

import json

import pytest

from tests.integration.events import Context, call
from tests.integration.openai_requests import chat, error
from tests.integration.talkers import statuses, talker


class TestModels:
    def test_all_agents_are_listed_however_many(self, caller: Context, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("smyth.http.openai.models._PAGE", 2)
        ids = [talker(caller) for _ in range(5)]
        listed = call("GET", "/v1/models", caller=caller).json()
        assert listed["object"] == "list"
        assert [model["agent_id"] for model in listed["data"]] == ids[::-1]
        assert {model["id"] for model in listed["data"]} == {"talker", *(f"talker-{number}" for number in range(2, 6))}
        assert {model["owned_by"] for model in listed["data"]} == {caller["tenant_id"]}
        assert statuses(caller) == []

    def test_a_key_for_some_agents_sees_those(self, caller: Context) -> None:
        first, second = talker(caller), talker(caller)
        limited = caller | {"agents": json.dumps([second])}
        assert [model["agent_id"] for model in call("GET", "/v1/models", caller=limited).json()["data"]] == [second]
        assert call("GET", f"/v1/models/{second}", caller=limited).json()["id"] == second
        assert error(call("GET", f"/v1/models/{first}", caller=limited), 404)["code"] == "model_not_found"
        assert chat(limited, "talker-2").status == 200
        assert error(chat(limited, "talker"), 404)["code"] == "model_not_found"
        assert error(call("POST", "/v1/embeddings", caller=limited, body={"model": "default", "input": "x"}), 403)

    def test_a_viewer_may_look(self, caller: Context) -> None:
        talker(caller)
        viewer = caller | {"role": "viewer"}
        assert call("GET", "/v1/models", caller=viewer).status == 200
        assert call("GET", "/v1/models/talker", caller=viewer).status == 200

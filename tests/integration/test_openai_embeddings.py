"""Embeddings of OpenAI's API: vectors of the stack's own model."""

from __future__ import annotations

import json
import struct
from base64 import b64decode
from collections.abc import Iterator
from typing import Any

import pytest

from smyth.http.services import services
from smyth.http.settings import settings
from tests.integration.events import Answer, Context, call
from tests.integration.openai_requests import error
from tests.integration.talkers import ledger, statuses


@pytest.mark.xdist_group("litellm")
class TestEmbeddings:
    @pytest.fixture
    def embedding_model(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
        """A stack with an embedding model."""
        from smyth.testing import ModelServer

        with ModelServer() as server:
            entry = {"provider": "OpenAI", "model": "text-embedding-3-small", "base_url": server.base_url}
            monkeypatch.setenv("SMYTH_EMBEDDING_MODEL", json.dumps(entry))
            settings.cache_clear()
            services.cache_clear()
            yield server
            monkeypatch.undo()
            settings.cache_clear()
            services.cache_clear()

    def embed(self, caller: Context, **members: Any) -> Answer:
        return call("POST", "/v1/embeddings", caller=caller, body={"model": "default", "input": "a zebra", **members})

    def test_texts_become_vectors_and_are_billed(self, caller: Context, embedding_model: Any) -> None:
        answer = self.embed(caller, input=["a zebra", "a kiwi"])
        first, second = answer.json()["data"]
        assert (first["index"], second["index"]) == (0, 1)
        assert answer.json()["model"] == "text-embedding-3-small"
        packed = b64decode(
            self.embed(caller, model="OpenAI/text-embedding-3-small", encoding_format="base64").json()["data"][0][
                "embedding"
            ]
        )
        assert struct.unpack(f"<{len(packed) // 4}f", packed) == pytest.approx(first["embedding"])
        assert len(self.embed(caller, dimensions=8).json()["data"][0]["embedding"]) == 8
        assert statuses(caller) == ["settled"] * 3
        entry = ledger(caller)[0]
        assert (entry.route, entry.model) == ("POST /v1/embeddings", "text-embedding-3-small")
        assert entry.input_tokens == answer.json()["usage"]["total_tokens"]
        assert answer.headers["x-usage-cost"]

    @pytest.mark.parametrize(
        ("members", "param"),
        [
            ({"input": [1, 2, 3]}, "input[0]"),
            ({"input": [[1, 2]]}, "input[0]"),
            ({"input": ""}, "input"),
            ({"input": []}, "input.list[any]"),
            ({"input": ["a", "\u0000"]}, "input[1]"),
            ({"encoding_format": "int8"}, "encoding_format"),
        ],
    )
    def test_what_is_no_text_is_refused(
        self, caller: Context, embedding_model: Any, members: dict[str, Any], param: str
    ) -> None:
        assert param.startswith("input.list") or error(self.embed(caller, **members), 400)["param"] == param
        assert error(self.embed(caller, **members), 400)
        assert set(statuses(caller)) <= {"released"}

    def test_another_model_is_unknown(self, caller: Context, embedding_model: Any) -> None:
        assert error(self.embed(caller, model="text-embedding-ada-002"), 404)["code"] == "model_not_found"

    def test_a_stack_without_a_model_says_so(self, caller: Context) -> None:
        assert error(self.embed(caller), 404)["code"] == "model_not_found"

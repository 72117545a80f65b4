"""Models of the catalogue and of tenants, through their function."""

from __future__ import annotations

from typing import Any

import pytest

from smyth.http.services import services
from tests.integration.events import Answer, Context, call, caller_context

OURS = {"provider": "OpenAI", "model": "gpt-4o-mini", "credential": "house-key"}


def put(caller: Context, name: str, **members: Any) -> Answer:
    return call("PUT", f"/api/models/{name}", body={**OURS, **members}, caller=caller)


def names(caller: Context, query: str = "") -> list[str]:
    found: list[str] = []
    cursor = ""
    while cursor is not None:
        answer = call("GET", f"/api/models?limit=50{query}" + (f"&cursor={cursor}" if cursor else ""), caller=caller)
        assert answer.status == 200, answer.content
        found += [model["name"] for model in answer.json()["items"]]
        cursor = answer.json()["next_cursor"]
    return found


def test_the_catalogue_is_listed_in_order_without_repetition(caller: Context) -> None:
    found = names(caller)
    assert len(found) == len(set(found)) > 50
    assert "Echo" in found
    assert found == sorted(found, key=lambda name: (name.casefold(), name))


def test_a_model_is_made_shown_replaced_and_deleted(caller: Context) -> None:
    made = put(caller, "house", params={"temperature": 0.2}, input_price="0.15", context_window=32_000)
    assert made.status == 200, made.content
    assert made.json()["own"] is True
    assert made.json()["input_price"] == "0.15"
    assert call("GET", "/api/models/house", caller=caller).json() == made.json()
    assert "house" in names(caller, "&q=HOUSE")
    assert put(caller, "house", max_output=1_000).json()["max_output"] == 1_000
    replaced = call("GET", "/api/models/house", caller=caller).json()
    assert "input_price" not in replaced
    assert call("DELETE", "/api/models/house", caller=caller).status == 204
    assert call("GET", "/api/models/house", caller=caller).status == 404
    assert call("DELETE", "/api/models/house", caller=caller).status == 404


def test_a_model_of_the_catalogue_is_shown_and_cannot_be_taken(caller: Context) -> None:
    shown = call("GET", "/api/models/gpt-4o-mini", caller=caller).json()
    assert (shown["own"], shown["provider"], shown["context_window"]) == (False, "OpenAI", 128_000)
    for name in ("gpt-4o-mini", "GPT-4o-Mini", "Echo", "echo"):
        assert put(caller, name).status == 409


def test_models_of_other_tenants_are_unknown(caller: Context) -> None:
    put(caller, "house")
    stranger = caller_context()
    assert call("GET", "/api/models/house", caller=stranger).status == 404
    assert call("DELETE", "/api/models/house", caller=stranger).status == 404
    assert "house" not in names(stranger)
    assert services().tenant_models.find(stranger["tenant_id"], "house") is None
    assert services().tenant_models.find(caller["tenant_id"], "house") is not None


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"provider": "Nobody"}, "not supported"),
        ({"api_key": "sk-1"}, "vault"),
        ({"apiKey": "sk-1"}, "vault"),
        ({"params": {"api_key": "sk-1"}}, "vault"),
        ({"params": {"api_base": "http://169.254.169.254"}}, "api_base"),
        ({"base_url": "http://models.example.com/v1"}, "https"),
        ({"base_url": "https://127.0.0.1/v1"}, "not a public address"),
        ({"base_url": "https://[::1]/v1"}, "not a public address"),
        ({"base_url": "https://10.0.0.7:8443/v1"}, "not a public address"),
        ({"base_url": "https://user:word@example.com/v1"}, "credential"),
        ({"base_url": "https://example.com/v1?api_key=x"}, "credential"),
        ({"base_url": "no address"}, "base_url"),
        ({"provider": "Anthropic", "base_url": "https://93.184.215.14/v1"}, "cannot be asked at another address"),
        ({"fallbacks": ["nobody"]}, "to fall back on"),
        ({"fallbacks": ["house"]}, "itself"),
        ({"fallbacks": ["Echo", "Echo"]}, "twice"),
        ({"fallbacks": ["Echo"] * 6}, "fallbacks"),
        ({"context_window": 1_000, "max_output": 1_000}, "larger"),
        ({"context_window": 0}, "context_window"),
        ({"input_price": "-1"}, "input_price"),
        ({"input_price": "NaN"}, "input_price"),
        ({"model": ""}, "model"),
        ({"unknown": 1}, "unknown"),
        ({"credential": "../other"}, "credential"),
        ({"params": {"temperature": 9}}, "temperature"),
    ],
)
def test_what_cannot_be_a_model_is_refused_with_words(caller: Context, members: dict[str, Any], said: str) -> None:
    answer = put(caller, "house", **members)
    assert answer.status == 422, answer.content
    assert said in answer.content.decode()
    assert "sk-1" not in answer.content.decode()
    assert call("GET", "/api/models/house", caller=caller).status == 404


def test_models_must_not_fall_back_in_circles(caller: Context) -> None:
    assert put(caller, "one").status == 200
    assert put(caller, "two", fallbacks=["one"]).status == 200
    assert put(caller, "three", fallbacks=["Echo", "two"]).status == 200
    answer = put(caller, "one", fallbacks=["three"])
    assert answer.status == 422
    assert "circle" in answer.json()["detail"]
    refused = call("DELETE", "/api/models/one", caller=caller)
    assert refused.status == 409
    assert '"two"' in refused.json()["detail"]


@pytest.mark.parametrize("name", ["-x", "a%20b", "a%23b", "x" * 101])
def test_a_name_that_cannot_be_used_is_refused(caller: Context, name: str) -> None:
    assert put(caller, name).status == 422
    assert call("GET", f"/api/models/{name}", caller=caller).status == 404


def test_viewers_read_models_and_change_none(caller: Context) -> None:
    viewer = caller_context(caller["tenant_id"], role="viewer")
    assert call("GET", "/api/models", caller=viewer).status == 200
    assert put(viewer, "house").status == 403
    assert call("DELETE", "/api/models/house", caller=viewer).status == 403


def test_a_foreign_cursor_is_refused(caller: Context) -> None:
    assert call("GET", "/api/models?cursor=%2Aa", caller=caller).status == 422

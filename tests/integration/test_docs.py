"""The OpenAPI document, the page that shows it, the health check and the list of connectors."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from functions.openapi import build, render
from smyth import __version__
from smyth.components.registry import names
from smyth.connectors.models.catalog import PROVIDERS
from smyth.http.settings import settings
from smyth.platform.routes import ROUTES
from tests.integration.events import OPERATOR, Context, call, caller_context, handler

COMMITTED = Path(__file__).resolve().parents[2] / "docs" / "openapi.json"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return json.loads(COMMITTED.read_text("utf-8"))  # type: ignore[no-any-return]


def test_the_committed_document_is_what_the_code_says() -> None:
    assert COMMITTED.read_text("utf-8") == render(build()), "The API changed: run `make openapi` and commit the result."


def test_the_document_is_valid_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []


def test_the_document_has_the_routes_of_the_table_and_no_other(document: dict[str, Any]) -> None:
    described = {(method.upper(), path) for path, operations in document["paths"].items() for method in operations}
    assert described == {(route.method, route.path) for route in ROUTES}


def test_every_operation_says_who_may_call_it_and_how_it_fails(document: dict[str, Any]) -> None:
    for route in ROUTES:
        operation = document["paths"][route.path][route.method.lower()]
        assert (operation.get("security") == []) == (route.auth == "public"), route
        failure = "OpenAIError" if route.path.startswith("/v1/") else "Problem"
        assert operation["responses"]["default"] == {"$ref": f"#/components/responses/{failure}"}, route
        successes = [said for status, said in operation["responses"].items() if status[0] in "23"]
        assert any("x-usage-cost" in said["headers"] for said in successes) == route.billable, route
    ids = [operation["operationId"] for path in document["paths"].values() for operation in path.values()]
    assert len(set(ids)) == len(ROUTES)


def test_a_route_without_handler_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from smyth.platform.routes import Route

    monkeypatch.setattr("functions.openapi.ROUTES", (*ROUTES, Route("GET", "/api/new", "health")))
    with pytest.raises(ValueError, match=r"Not served: GET /api/new health"):
        build()


def test_the_document_is_served_as_committed(document: dict[str, Any]) -> None:
    answer = call("GET", "/openapi.json")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json() == document
    again = call("GET", "/openapi.json", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status, again.content) == (304, b"")


def test_the_page_loads_only_our_own_files(document: dict[str, Any]) -> None:
    page = call("GET", "/docs")
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    policy = dict(rule.split(" ", 1) for rule in page.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    html = page.content.decode()
    assert "//" not in html
    assert not re.search(r"<script>|\son\w+=|<style", html)
    for address in re.findall(r'(?:src|href)="(docs/[^"]+)"', html):
        asset = call("GET", f"/{address}")
        assert asset.status == 200, address
        assert asset.content


@pytest.mark.parametrize(
    ("asset", "media_type"),
    [("swagger-ui.css", "text/css"), ("swagger-ui-bundle.js", "text/javascript"), ("start.js", "text/javascript")],
)
def test_assets_are_cached_and_typed(asset: str, media_type: str) -> None:
    answer = call("GET", f"/docs/{asset}")
    assert answer.headers["content-type"].startswith(media_type)
    assert "max-age" in answer.headers["cache-control"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert len(answer.content) < 6 * 1024 * 1024
    again = call("GET", f"/docs/{asset}", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status == 304


@pytest.mark.parametrize(
    "asset",
    [
        "redoc.standalone.js",
        "handler.py",
        "..",
        "%2e%2e",
        "..%2fhandler.py",
        "..\\handler.py",
        "swagger-ui.css%00",
        "a" * 5_000,
    ],
)
def test_nothing_else_is_served(asset: str) -> None:
    answer = call("GET", f"/docs/{asset}", function="docs")
    assert answer.status == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_health_says_version_and_customer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMYTH_CUSTOMER", "demo")
    settings.cache_clear()
    try:
        answer = call("GET", "/health")
    finally:
        settings.cache_clear()
    assert (answer.status, answer.json()) == (200, {"status": "ok", "version": __version__, "customer": "demo"})


def test_health_needs_no_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    assert call("GET", "/health").status == 200


def test_connectors_tell_settings_and_readiness(caller: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setenv("GROQ_API_KEY", "gsk-secret-of-the-stack")
    answer = call("GET", "/api/connectors", caller=caller)
    assert answer.status == 200
    assert answer.json()["next_cursor"] is None
    items = {(one["family"], one["provider"]): one for one in answer.json()["items"]}
    assert {provider for family, provider in items if family == "models"} == {
        "Echo",
        *(provider.name for provider in PROVIDERS.values()),
    }
    assert {family for family, _ in items} == {"models", "embeddings", "vectors", "storage", "vault"}
    assert items["models", "Echo"]["configured"] is True
    assert items["models", "Groq"]["configured"] is True
    assert items["models", "OpenAI"]["configured"] is False
    assert items["models", "OpenAI"]["settings_schema"]["properties"]["provider"] == {"const": "OpenAI"}
    assert "base_url" in items["models", "OpenAI"]["settings_schema"]["properties"]
    assert "base_url" not in items["models", "Anthropic"]["settings_schema"]["properties"]
    assert b"gsk-secret" not in answer.content


def test_connectors_need_a_key_and_a_viewers_is_enough() -> None:
    assert call("GET", "/api/connectors").status == 401
    assert call("GET", "/api/connectors", caller=caller_context(role="viewer")).status == 200
    assert call("GET", "/api/connectors", caller=OPERATOR).status == 200


def test_components_tell_settings_and_ports() -> None:
    answer = call("GET", "/api/components", caller=caller_context(role="viewer"))
    assert answer.status == 200
    assert answer.json()["next_cursor"] is None
    items = {one["name"]: one for one in answer.json()["items"]}
    assert list(items) == list(names())
    assert items["FHash"]["settings_schema"]["properties"]["algorithm"]["default"] == "md5"
    assert items["FHash"]["inputs"][0]["name"] == "Data"
    assert items["GenAILLM"]["custom_outputs"] is True
    assert "maxTokens" in items["GenAILLM"]["settings_schema"]["properties"]


def test_components_need_a_key() -> None:
    assert call("GET", "/api/components").status == 401
    assert call("GET", "/api/components", caller=OPERATOR).status == 200


@pytest.mark.parametrize(
    "name", ["health", "docs", "list_components", "list_connectors", "upsert_vectors", "search_vectors", "upload_file"]
)
def test_the_sample_event_is_answered(name: str) -> None:
    from tests.integration.events import LambdaContext

    event = json.loads((COMMITTED.parents[1] / "events" / f"{name}.json").read_text("utf-8"))
    assert handler(name)(event, LambdaContext())["statusCode"] in {200, 201}


def test_the_sample_batch_of_the_tables_stream_is_understood() -> None:
    from tests.integration.events import LambdaContext

    event = json.loads((COMMITTED.parents[1] / "events" / "table_changes.json").read_text("utf-8"))
    handler("table_changes")(event, LambdaContext())
    assert handler("table_changes")(event, LambdaContext()) == {"exported": 0, "moved": 0, "alerts": 0}


def test_the_sample_event_of_a_new_object_is_understood() -> None:
    from tests.integration.events import LambdaContext

    event = json.loads((COMMITTED.parents[1] / "events" / "object_created.json").read_text("utf-8"))
    assert handler("object_created")(event, LambdaContext())["result"] == "ignored"

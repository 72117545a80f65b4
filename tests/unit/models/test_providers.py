"""Each provider over a real socket: where it is asked, with which key, in which form."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from smyth.connectors.models.catalog import Catalog, ModelEntry
from smyth.connectors.models.gateway import ModelGateway
from smyth.connectors.models.google_tokens import GoogleTokens
from smyth.connectors.models.port import Finished, ModelError, ModelRequest, complete
from smyth.connectors.vault.memory import MemoryVault
from smyth.testing import ModelServer, Say
from tests.peers.bedrock import Bedrock, frame
from tests.peers.google import Google
from tests.peers.http_service import Asked, HttpService, Reply

# LiteLLM takes seconds to import: one worker pays for all.
pytestmark = pytest.mark.xdist_group("litellm")

TOOL = {"type": "function", "function": {"name": "f", "description": "F", "parameters": {"type": "object"}}}
SETTINGS = {
    "region": "us-east-1",
    "keyIDName": "aws id",
    "secretKeyName": "aws secret",
    "sessionKeyName": "aws session",
}
AWS = {"aws id": "AKIAIOSFODNN7EXAMPLE", "aws secret": "wJalrXUtnFEMI/K7MDENG", "aws session": "token-of-a-session"}


def gateway(entry: dict[str, Any], secrets: dict[str, str], environment: dict[str, str]) -> ModelGateway:
    catalog = Catalog({"tested": ModelEntry.model_validate(entry)})
    return ModelGateway(catalog, MemoryVault({"default": secrets}), environment=environment, retries=0)


def request(**members: Any) -> ModelRequest:
    messages = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi"}]
    return ModelRequest(model="tested", **{"messages": messages, **members})


@pytest.fixture
def bedrock() -> Iterator[Bedrock]:
    with Bedrock() as server:
        yield server


def on_bedrock(server: Bedrock, settings: dict[str, Any] = SETTINGS) -> ModelGateway:
    entry = {"provider": "Bedrock", "model": "anthropic.claude-3-haiku-20240307-v1:0", "settings": settings}
    return gateway(
        entry | {"input_price": 1, "output_price": 10}, AWS, {"AWS_ENDPOINT_URL_BEDROCK_RUNTIME": server.url}
    )


async def test_bedrock_is_asked_by_converse_with_the_keys_that_settings_name(bedrock: Bedrock) -> None:
    guardrail = {"id": "gr-1", "version": "7"}
    reply = await complete(
        on_bedrock(bedrock), request(tools=[TOOL], temperature=0.5, max_tokens=99, guardrail=guardrail)
    )
    assert (reply.text, reply.reason) == ("Hello there", "stop")
    assert (reply.usage.input_tokens, reply.usage.output_tokens, reply.usage.cost_micro_usd) == (1000, 20, 1200)
    (asked,) = bedrock.asked
    assert asked.path == "/model/anthropic.claude-3-haiku-20240307-v1:0/converse-stream"
    assert "AKIAIOSFODNN7EXAMPLE" in asked.headers["authorization"]
    assert "/us-east-1/bedrock/" in asked.headers["authorization"]
    assert asked.headers["x-amz-security-token"] == "token-of-a-session"
    assert asked.json["system"] == [{"text": "Be kind."}]
    assert asked.json["inferenceConfig"] == {"temperature": 0.5, "maxTokens": 99}
    assert asked.json["guardrailConfig"] == {"guardrailIdentifier": "gr-1", "guardrailVersion": "7"}
    assert asked.json["toolConfig"]["tools"][0]["toolSpec"]["name"] == "f"


async def test_bedrock_calls_tools(bedrock: Bedrock) -> None:
    bedrock.frames = [
        frame("messageStart", {"role": "assistant"}),
        frame("contentBlockStart", {"contentBlockIndex": 0, "start": {"toolUse": {"toolUseId": "t1", "name": "f"}}}),
        frame("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"toolUse": {"input": '{"a":'}}}),
        frame("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"toolUse": {"input": "1}"}}}),
        frame("contentBlockStop", {"contentBlockIndex": 0}),
        frame("messageStop", {"stopReason": "tool_use"}),
        frame("metadata", {"usage": {"inputTokens": 10, "outputTokens": 2, "totalTokens": 12}}),
    ]
    reply = await complete(on_bedrock(bedrock), request(tools=[TOOL]))
    assert [(call.id, call.name, call.arguments) for call in reply.tool_calls] == [("t1", "f", '{"a":1}')]
    assert reply.reason == "tool_calls"


async def test_bedrock_takes_awss_own_chain_where_no_keys_are_named(
    bedrock: Bedrock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAOFTHEFUNCTION000")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    await complete(on_bedrock(bedrock, {}), request())
    assert "AKIAOFTHEFUNCTION000" in bedrock.asked[0].headers["authorization"]
    assert "/eu-west-1/" in bedrock.asked[0].headers["authorization"]


async def test_a_key_that_bedrock_refuses_is_told_without_it(bedrock: Bedrock) -> None:
    bedrock.status = 403
    with pytest.raises(ModelError, match='Bedrock refused the key from the vault entries "aws id"') as error:
        await complete(on_bedrock(bedrock), request())
    assert (error.value.kind, error.value.reached_provider) == ("credentials", True)
    assert not any(secret in str(error.value) for secret in AWS.values())


@pytest.mark.parametrize("region", ["", "us east", "evil.com/#", "../x", "a" * 99])
async def test_a_region_that_cannot_be_one_is_refused(bedrock: Bedrock, region: str) -> None:
    with pytest.raises(ModelError, match='no usable "region"') as error:
        await complete(on_bedrock(bedrock, {"region": region or "-"}), request())
    assert (error.value.kind, bedrock.asked) == ("invalid_request", [])


async def test_a_guardrail_is_never_left_out_silently() -> None:
    models = gateway({"provider": "OpenAI", "model": "m"}, {"openai": "k"}, {})
    with pytest.raises(ModelError, match="guard Bedrock's models only") as error:
        await complete(models, request(guardrail={"id": "g"}))
    assert not error.value.reached_provider


@pytest.fixture
def google() -> Iterator[Google]:
    with Google() as server:
        yield server


async def test_google_is_asked_in_its_own_form(google: Google) -> None:
    models = gateway(
        {"provider": "GoogleAI", "model": "gemini-2.5-flash"},
        {"googleai": "AIza-key"},
        {"GOOGLE_AI_BASE_URL": google.url},
    )
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    sound = {"type": "file", "file": {"file_data": "data:audio/mpeg;base64,SUQz", "filename": "a.mp3"}}
    schema = {"name": "s", "schema": {"type": "object", "properties": {"a": {"type": "string"}}}}
    messages = [{"role": "user", "content": [{"type": "text", "text": "Hi"}, picture, sound]}]
    reply = await complete(
        models,
        request(
            messages=messages, stop=["END"], seed=5, top_k=3, max_tokens=50,
            response_format={"type": "json_schema", "json_schema": schema},
        ),
    )  # fmt: skip
    assert (reply.text, reply.reason, reply.usage.output_tokens) == ("Hello there", "stop", 20)
    assert reply.usage.cost_micro_usd == 350  # 1000 * $0.30 + 20 * $2.50, each per million tokens.
    (asked,) = google.asked
    assert asked.path == "/v1beta/models/gemini-2.5-flash:streamGenerateContent"
    assert asked.headers["x-goog-api-key"] == "AIza-key"
    parts = asked.json["contents"][0]["parts"]
    assert parts[0] == {"text": "Hi"}
    assert [part["inline_data"]["mime_type"] for part in parts[1:]] == ["image/png", "audio/mpeg"]
    sent = asked.json["generationConfig"]
    assert (sent["stop_sequences"], sent["seed"], sent["top_k"], sent["max_output_tokens"]) == (["END"], 5, 3, 50)
    assert sent["response_mime_type"] == "application/json"


@pytest.fixture(scope="module")
def account() -> str:
    """A service account's JSON with a key of its own."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = serialization.PrivateFormat.PKCS8
    pem = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()
    return json.dumps({"client_email": "a@b.iam", "private_key": pem, "project_id": "my-project"})


async def test_vertex_ai_is_asked_with_a_token_for_the_service_account(google: Google, account: str) -> None:
    entry = {
        "provider": "VertexAI", "model": "gemini-2.5-flash",
        "settings": {"region": "europe-west4", "jsonCredentialsName": "google account"},
    }  # fmt: skip
    models = gateway(entry, {"google account": account}, {"VERTEXAI_BASE_URL": google.url})
    models._asking.tokens._token_url = f"{google.url}/token"
    assert (await complete(models, request())).text == "Hello there"
    assert (await complete(models, request())).text == "Hello there"
    exchange, *asked = google.asked
    assert exchange.body.startswith(b"grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=ey")
    assert [one.path for one in asked] == [
        "/v1/projects/my-project/locations/europe-west4/publishers/google/models/gemini-2.5-flash:streamGenerateContent"
    ] * 2
    assert {one.headers["authorization"] for one in asked} == {"Bearer ya29.a-token-of-google"}
    assert not any("x-goog-api-key" in one.headers for one in asked)


@pytest.mark.parametrize("json_text", ["", "not json", "{}", '{"client_email": "a", "private_key": "no key"}', "[]"])
async def test_a_service_account_that_cannot_be_used_is_told(json_text: str) -> None:
    models = gateway({"provider": "VertexAI", "model": "gemini-2.5-flash"}, {"vertexai": json_text}, {})
    with pytest.raises(ModelError) as error:
        await complete(models, request())
    assert (error.value.kind, error.value.reached_provider) == ("credentials", False)


def test_tokens_are_fetched_from_google_alone() -> None:
    assert GoogleTokens()._token_url == "https://oauth2.googleapis.com/token"


@pytest.mark.parametrize(
    ("provider", "variable", "path"),
    [
        ("OpenAI", "OPENAI_BASE_URL", "/v1/chat/completions"),
        ("Groq", "GROQ_BASE_URL", "/openai/v1/chat/completions"),
        ("Ollama", "OLLAMA_HOST", "/v1/chat/completions"),
        ("DeepSeek", "DEEPSEEK_BASE_URL", "/v1/chat/completions"),
        ("TogetherAI", "TOGETHER_BASE_URL", "/v1/chat/completions"),
        ("xAI", "XAI_BASE_URL", "/v1/chat/completions"),
        ("Perplexity", "PERPLEXITY_BASE_URL", "/v1/chat/completions"),
    ],
)
async def test_the_environment_says_where_providers_are(provider: str, variable: str, path: str) -> None:
    with Recorder() as server:
        address = server.url if provider in ("Groq", "Ollama") else f"{server.url}/v1"
        secrets = {} if provider == "Ollama" else {provider.lower(): "the-key"}
        models = gateway({"provider": provider, "model": "m"}, secrets, {variable: address})
        assert (await complete(models, request())).text == "ok"
        (asked,) = server.asked
    assert asked.path == path
    assert asked.headers["authorization"] == ("Bearer none" if provider == "Ollama" else "Bearer the-key")


class Recorder(HttpService):
    """A chat server that says "ok"."""

    def answer(self, asked: Asked) -> Reply:
        choice = {"index": 0, "delta": {"content": "ok"}, "finish_reason": "stop"}
        chunk = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
        return Reply(f"data: {json.dumps(chunk)}\n\ndata: [DONE]\n\n".encode(), content_type="text/event-stream")


PENALTIES = {"frequency_penalty", "presence_penalty"}
EVERYTHING: dict[str, Any] = {
    "temperature": 0.1, "top_p": 0.2, "top_k": 3, "frequency_penalty": 0.4, "presence_penalty": 0.5,
    "stop": ["END"], "seed": 6, "max_tokens": 70,
}  # fmt: skip


@pytest.mark.parametrize(
    ("provider", "model", "sent"),
    [
        ("OpenAI", "gpt-4o", PENALTIES | {"temperature", "top_p", "stop", "seed", "max_completion_tokens"}),
        ("OpenAI", "o3", {"seed", "max_completion_tokens"}),
        ("OpenAI", "gpt-5-mini", {"seed", "max_completion_tokens"}),
        ("DeepSeek", "deepseek-chat", PENALTIES | {"temperature", "top_p", "stop", "max_completion_tokens"}),
        ("Groq", "llama", {"temperature", "top_p", "stop", "seed", "max_tokens"}),
        ("xAI", "grok", {"temperature", "top_p", "stop", "seed", "max_tokens"}),
        ("Perplexity", "sonar", PENALTIES | {"temperature", "top_p", "top_k", "max_tokens"}),
        ("Ollama", "llama", PENALTIES | {"temperature", "top_p", "stop", "seed", "max_tokens"}),
    ],
)  # fmt: skip
async def test_each_provider_gets_the_parameters_that_it_knows(provider: str, model: str, sent: set[str]) -> None:
    with ModelServer(Say("ok")) as server:
        entry = {"provider": provider, "model": model, "base_url": server.base_url}
        await complete(gateway(entry, {}, {}), request(**EVERYTHING))
    body = server.requests[0]
    assert body.keys() - {"model", "messages", "stream", "stream_options"} == sent


@pytest.mark.parametrize(
    ("provider", "native"),
    [
        ("OpenAI", "json_schema"),
        ("xAI", "json_schema"),
        ("Ollama", "json_schema"),
        ("DeepSeek", "json_object"),
        ("Groq", None),
    ],
)  # fmt: skip
async def test_a_schema_is_asked_for_by_parameter_or_in_words(provider: str, native: str | None) -> None:
    schema = {"type": "json_schema", "json_schema": {"name": "s", "schema": {"type": "object", "title": "Marked"}}}
    with ModelServer(Say("{}")) as server:
        entry = {"provider": provider, "model": "m", "base_url": server.base_url}
        await complete(gateway(entry, {}, {}), request(response_format=schema))
    body = server.requests[0]
    assert body.get("response_format", {}).get("type") == native
    assert ("Marked" in body["messages"][0]["content"]) == (native != "json_schema")


async def test_a_models_own_parameters_lie_under_those_of_the_request() -> None:
    params = {"temperature": "0.5", "topP": 0.9, "stopSequences": "A, B", "seed": 7, "responseFormat": "", "odd": 1}
    with ModelServer(Say("ok")) as server:
        entry = {"provider": "OpenAI", "model": "m", "base_url": server.base_url, "params": params}
        await complete(gateway(entry, {}, {}), request(temperature=0.1))
    body = server.requests[0]
    assert (body["temperature"], body["top_p"], body["stop"], body["seed"]) == (0.1, 0.9, ["A", "B"], 7)
    assert not body.keys() & {"odd", "response_format"}


@pytest.mark.parametrize("model", ["o1-mini-2024-09-12", "o1-preview"])
async def test_models_without_a_system_text_get_it_with_the_first_question(model: str) -> None:
    with ModelServer(Say("ok")) as server:
        await complete(gateway({"provider": "OpenAI", "model": model, "base_url": server.base_url}, {}, {}), request())
    assert server.requests[0]["messages"] == [{"role": "user", "content": "Be kind.\n\nHi"}]


async def test_the_finish_comes_last_and_once() -> None:
    with ModelServer(Say("ok")) as server:
        models = gateway({"provider": "OpenAI", "model": "m", "base_url": server.base_url}, {}, {})
        events = [event async for event in models.stream(request())]
    assert [isinstance(event, Finished) for event in events] == [False, True]

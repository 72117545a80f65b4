"""What happens when providers are busy, break down, fall silent or send nonsense; and that keys stay secret."""

from __future__ import annotations

import asyncio
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smyth.connectors.models.catalog import Catalog, ModelEntry
from smyth.connectors.models.failures import Attempt, ProviderFailure, model_error, retry_after_s
from smyth.connectors.models.gateway import ModelGateway
from smyth.connectors.models.patience import Patience
from smyth.connectors.models.port import Finished, ModelError, ModelRequest, Text, complete
from smyth.connectors.vault.memory import MemoryVault
from smyth.testing import Cut, Fail, Half, Hang, ModelServer, Raw, Say, Turn

pytestmark = pytest.mark.xdist_group("litellm")

BUSY = Fail(429, headers={"retry-after-ms": "1"})
DOWN = Fail(503, headers={"retry-after": "0"})


class Servers:
    """A model called ``first`` and its stand-ins, each with a server, a key and a price of its own."""

    def __init__(self, *scripts: tuple[Turn, ...]) -> None:
        self._open = ExitStack()
        self.all = [self._open.enter_context(ModelServer(*script)) for script in scripts]
        names = ["first", "second", "third"][: len(scripts)]
        entries: dict[str, Any] = {
            name: {
                "provider": "OpenAI", "model": f"m-{name}", "base_url": server.base_url, "api_key": f"key-of-{name}",
                "output_price": 1_000_000 * (number + 1),
            }
            for number, (name, server) in enumerate(zip(names, self.all, strict=True))
        }  # fmt: skip
        entries["first"]["fallbacks"] = names[1:]
        self.catalog = Catalog({name: ModelEntry.model_validate(entry) for name, entry in entries.items()})

    def gateway(self, **settings: Any) -> ModelGateway:
        """Ask them."""
        return ModelGateway(self.catalog, MemoryVault(), environment={}, **{"retries": 0, **settings})

    def __enter__(self) -> Servers:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()


def request(**members: Any) -> ModelRequest:
    return ModelRequest(model="first", messages=[{"role": "user", "content": "Hi"}], **members)


@pytest.mark.parametrize("failing", [Fail(401), Fail(404), Fail(429), Fail(500), Fail(400), Half()])
async def test_a_stand_in_answers_with_its_own_key_and_is_the_one_that_is_billed(failing: Turn) -> None:
    with Servers((failing,), (Say("from the second"),)) as servers:
        reply = await complete(servers.gateway(), request(max_tokens=77))
        assert (reply.text, reply.usage.model) == ("from the second", "second")
        assert reply.usage.cost_micro_usd == 2_000_000 * reply.usage.output_tokens
        assert [server.headers[0]["authorization"] for server in servers.all] == [
            "Bearer key-of-first",
            "Bearer key-of-second",
        ]
        assert servers.all[1].requests[0]["max_completion_tokens"] == 77


async def test_stand_ins_are_tried_in_order() -> None:
    with Servers((Fail(500),), (Fail(401),), (Say("third"),)) as servers:
        assert (await complete(servers.gateway(), request())).usage.model == "third"


async def test_the_last_failure_is_told_and_says_that_somebody_was_asked() -> None:
    with Servers((Fail(500),), (Fail(401, "no entry"),)) as servers:
        with pytest.raises(ModelError, match="no entry") as error:
            await complete(servers.gateway(), request())
        assert (error.value.kind, error.value.reached_provider) == ("credentials", True)


async def test_nobody_stands_in_once_a_word_was_heard() -> None:
    with Servers((Cut("half an"),), (Say("never"),)) as servers:
        heard: list[str] = []
        with pytest.raises(ModelError):  # noqa: PT012 - what came before counts
            async for event in servers.gateway(retries=2).stream(request()):
                heard += [event.text] if isinstance(event, Text) else []
        assert "".join(heard) == "half an"
        assert [len(server.requests) for server in servers.all] == [1, 0]


async def test_an_answer_that_is_cut_before_its_first_word_is_asked_for_again() -> None:
    with Servers((Cut(""), Say("second time"))) as servers:
        reply = await complete(servers.gateway(retries=1), request())
        assert (reply.text, len(servers.all[0].requests)) == ("second time", 2)


@pytest.mark.parametrize("turn", [Cut("half an"), Half("half an"), Raw(({"error": {"message": "It broke."}},))])
async def test_nonsense_in_a_stream_is_an_error_in_clear_words(turn: Turn) -> None:
    with Servers((turn,)) as servers:
        with pytest.raises(ModelError, match=r"OpenAI failed to answer\. Try again\.") as error:
            await complete(servers.gateway(), request())
        assert (error.value.kind, error.value.reached_provider) == ("provider", True)
        assert "Traceback" not in str(error.value)


async def test_a_provider_that_is_silent_from_the_start_is_left() -> None:
    with Servers((Hang(),)) as servers:
        with pytest.raises(ModelError, match="did not answer in time") as error:
            await complete(servers.gateway(timeout_s=0.2), request())
        assert error.value.kind == "timeout"


async def test_a_deadline_ends_an_answer_and_says_so() -> None:
    with Servers((Hang("some words "),)) as servers:
        models = servers.gateway().view(deadline=time.monotonic() + 1.0)
        with pytest.raises(ModelError, match="not complete in the time") as error:
            await complete(models, request())
        assert (error.value.kind, error.value.reached_provider) == ("timeout", True)


async def test_nothing_is_begun_after_the_deadline() -> None:
    with Servers((Say("never"),)) as servers:
        with pytest.raises(ModelError, match="no time left") as error:
            await complete(servers.gateway().view(deadline=time.monotonic() - 1), request())
        assert (error.value.reached_provider, servers.all[0].requests) == (False, [])


async def test_no_retry_is_begun_that_cannot_end_in_time() -> None:
    with Servers((BUSY, Say("too late"))) as servers:
        models = servers.gateway(retries=2).view(deadline=time.monotonic() + 0.9)
        with pytest.raises(ModelError, match="limiting requests"):
            await complete(models, request())
        assert len(servers.all[0].requests) == 1


async def test_a_view_finds_more_models_and_leaves_the_gateway_as_it_is() -> None:
    with ModelServer(Say("mine")) as server:
        entry = ModelEntry(provider="OpenAI", model="m", base_url=server.base_url, context_window=9)
        models = ModelGateway(Catalog(), MemoryVault(), environment={})
        view = models.view(more=lambda name: entry if name == "my-own" else None)
        assert view.limits("my-own").context_window == 9
        messages = [{"role": "user", "content": "Hi"}]
        assert (await complete(view, ModelRequest(model="my-own", messages=messages))).usage.model == "my-own"
    for asked, name in ((models, "my-own"), (view, "nobody's")):
        with pytest.raises(ModelError, match="is not available"):
            asked.limits(name)


def rate_limited(after: float | None) -> ModelError:
    error = ModelError("busy", kind="rate_limited")
    error.retry_after_s = after
    return error


@given(st.integers(min_value=1, max_value=4))
def test_pauses_double_and_vary(asked: int) -> None:
    pause = Patience(retries=9).pause_s(rate_limited(None), asked)
    assert pause is not None
    assert 0.25 * 2 ** (asked - 1) <= pause <= 0.5 * 2 ** (asked - 1)


@pytest.mark.parametrize(("after", "pause"), [(0.0, 0.0), (3.0, 3.0), (60.0, None)])
def test_a_provider_says_how_long_to_wait(after: float, pause: float | None) -> None:
    assert Patience().pause_s(rate_limited(after), 1) == pause


@pytest.mark.parametrize("kind", ["credentials", "invalid_request", "unknown_model", "timeout"])
def test_what_would_fail_again_is_not_repeated(kind: Any) -> None:
    assert Patience().pause_s(ModelError("no", kind=kind), 1) is None


def test_reads_every_form_of_retry_after() -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    for headers, low, high in (
        ({"retry-after-ms": "1500"}, 1.5, 1.5),
        ({"retry-after": "2"}, 2, 2),
        ({"retry-after": soon}, 25, 31),
        ({"retry-after": "-5"}, 0, 0),
    ):
        found = retry_after_s(ProviderFailure("busy", headers=headers))
        assert found is not None
        assert low <= found <= high
    assert retry_after_s(ProviderFailure("busy", headers={"retry-after": "soon"})) is None


@given(
    st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8, max_size=80),
    st.text(max_size=600),
    st.text(max_size=600),
    st.sampled_from([None, 400, 401, 403, 404, 408, 429, 500, 529]),
)
def test_a_key_is_never_told(key: str, before: str, after: str, status: int | None) -> None:
    """Wherever a provider repeats the key, and wherever its words are cut off."""
    attempt = Attempt("Acme", "m", key, "the vault entry")
    told = str(model_error(ProviderFailure(f"{before}{key}{after}", status=status), attempt))
    assert key not in told.replace("Acme", "")


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The connections that are opened."""
    from smyth.connectors.http.transport import GuardedNetwork

    opened: list[str] = []
    connect = GuardedNetwork.connect_tcp

    async def noted(self: GuardedNetwork, host: str, port: int, *rest: Any, **more: Any) -> Any:
        opened.append(f"{host}:{port}")
        return await connect(self, host, port, *rest, **more)

    monkeypatch.setattr(GuardedNetwork, "connect_tcp", noted)
    return opened


async def test_connections_are_kept_and_keys_are_not(connections: list[str]) -> None:
    with Servers((Say("one"), Say("two"))) as servers:
        model = {"provider": "OpenAI", "model": "m", "base_url": servers.all[0].base_url}
        models = servers.gateway(allow_private=True)
        for key in ("key-of-ada", "key-of-bob"):
            asked = ModelRequest(model={**model, "api_key": key}, messages=[{"role": "user", "content": "Hi"}])
            await complete(models, asked)
        assert [headers["authorization"] for headers in servers.all[0].headers] == [
            "Bearer key-of-ada",
            "Bearer key-of-bob",
        ]
        assert not any("cookie" in headers for headers in servers.all[0].headers)
    assert len(connections) == 1


async def test_an_answer_that_is_left_takes_its_connection_with_it(connections: list[str]) -> None:
    with Servers((Hang("words "), Say("again"))) as servers:
        models = servers.gateway()
        stream = models.stream(request())
        assert isinstance(await anext(stream), Text)
        await stream.aclose()
        assert await asyncio.to_thread(servers.all[0].client_left.wait, 5)
        assert (await complete(models, request())).text == "again"
    assert len(connections) == 2


async def test_a_connection_that_died_while_it_was_kept_is_replaced() -> None:
    with Servers((Say("one"),)) as servers:
        models = servers.gateway(retries=1)
        assert (await complete(models, request())).text == "one"
    with pytest.raises(ModelError) as error:
        await complete(servers.gateway(), request())
    assert (error.value.kind, error.value.reached_provider) == ("provider", True)


async def test_many_ask_at_once_on_one_loop() -> None:
    with ModelServer(*[Say("ok")] * 40) as server:
        entry = ModelEntry(provider="OpenAI", model="m", base_url=server.base_url)
        models = ModelGateway(Catalog({"first": entry}), MemoryVault(), environment={})
        replies = await asyncio.gather(*(complete(models, request()) for _ in range(40)))
    assert {reply.text for reply in replies} == {"ok"}


def test_a_gateway_serves_one_loop_after_another() -> None:
    with ModelServer(Say("one"), Say("two")) as server:
        entry = ModelEntry(provider="OpenAI", model="m", base_url=server.base_url)
        models = ModelGateway(Catalog({"first": entry}), MemoryVault(), environment={})
        assert [asyncio.run(complete(models, request())).text for _ in range(2)] == ["one", "two"]


async def test_the_price_is_told_with_the_last_event_alone() -> None:
    with Servers((Say("two words"),)) as servers:
        events = [event async for event in servers.gateway().stream(request())]
    assert [type(event) for event in events].count(Finished) == 1
    assert isinstance(events[-1], Finished)


def test_httpx_is_the_one_that_openai_takes() -> None:
    """Connections are lent as httpx clients: another library would not take them."""
    import openai

    assert openai.AsyncOpenAI(api_key="k", http_client=httpx.AsyncClient()).api_key == "k"

from __future__ import annotations

from typing import Any

import pytest

from smyth.connectors.models.catalog import Catalog, ModelEntry
from smyth.connectors.models.gateway import ModelGateway
from smyth.connectors.models.port import ModelError, ModelRequest, complete
from smyth.connectors.vault.memory import MemoryVault
from smyth.testing import ModelServer, Say

# LiteLLM takes seconds to import: one worker pays for all.
pytestmark = pytest.mark.xdist_group("litellm")

HI = {"role": "user", "content": "Hi"}
VAULT = MemoryVault({"default": {"openai": "from-shared-vault"}, "t1": {"mine": "from-my-vault"}})
STACK = {"OPENAI_API_KEY": "from-the-stack", "ANTHROPIC_API_KEY": "from-the-stack"}


async def key_sent(model: dict[str, Any], *, operator: bool = False, vault: MemoryVault = VAULT) -> str:
    """Return the key that a server at the model's own address gets to see."""
    with ModelServer(Say("ok")) as server:
        model = {"provider": "OpenAI", "model": "m", "base_url": server.base_url, **model}
        catalog = Catalog({"named": ModelEntry.model_validate(model)})
        models = ModelGateway(catalog, vault, environment=STACK, allow_private=True)
        request = ModelRequest(
            model="named" if operator else model, messages=[{"role": "user", "content": "Hi"}], team_id="t1"
        )
        await complete(models, request)
        return server.headers[0]["authorization"].removeprefix("Bearer ")


async def test_a_named_credential_comes_from_the_teams_vault() -> None:
    assert await key_sent({"credential": "mine"}) == "from-my-vault"


async def test_a_team_reads_the_shared_vault_too() -> None:
    assert await key_sent({"credential": "openai"}) == "from-shared-vault"


async def test_a_key_may_refer_to_the_vault_in_the_middle() -> None:
    assert await key_sent({"credentials": {"apiKey": "pre-{{KEY(mine)}}-post"}}) == "pre-from-my-vault-post"


@pytest.mark.parametrize("credentials", ["vault", ["internal", "vault"]])
async def test_a_model_object_may_name_the_teams_key_for_its_provider(credentials: Any) -> None:
    assert await key_sent({"credentials": credentials}) == "from-shared-vault"


async def test_a_secret_is_never_read_as_a_reference() -> None:
    vault = MemoryVault({"t1": {"first": "{{KEY(second)}}", "second": "hidden"}})
    assert await key_sent({"api_key": "{{KEY(first)}}"}, vault=vault) == "{{KEY(second)}}"


async def test_a_key_may_be_given_plainly() -> None:
    assert await key_sent({"api_key": "given"}) == "given"


@pytest.mark.parametrize("operator", [False, True])
async def test_an_own_address_never_sees_a_key_that_was_not_named_for_it(operator: bool) -> None:
    assert await key_sent({}, operator=operator) == "none"


async def test_an_entry_of_the_stack_falls_back_to_the_stacks_key() -> None:
    assert await key_sent({"credential": "absent"}, operator=True) == "from-the-stack"


async def test_a_documents_address_never_gets_the_stacks_key() -> None:
    with pytest.raises(ModelError, match='Set the vault entry "absent"') as error:
        await key_sent({"credential": "absent"})
    assert error.value.kind == "credentials"


async def test_a_missing_key_is_told_before_any_request() -> None:
    models = ModelGateway(Catalog(), MemoryVault(), environment={})
    with pytest.raises(ModelError, match=r'There is no key for Anthropic\. Set the vault entry "anthropic"') as error:
        await complete(models, ModelRequest(model="claude-3.5-haiku", messages=[]))
    assert error.value.kind == "credentials"


async def test_a_missing_secret_inside_a_key_is_told() -> None:
    with pytest.raises(ModelError, match='Set the vault entry "nope"'):
        await key_sent({"api_key": "{{KEY(nope)}}"})


@pytest.mark.parametrize(
    "address",
    [
        "http://example.com/v1",
        "https://127.0.0.1/v1",
        "https://localhost/v1",
        "https://[::1]/v1",
        "https://169.254.169.254/latest",
        "https://10.0.0.8/v1",
        "https://192.168.1.1/v1",
        "https://100.64.0.1/v1",
        "https://0.0.0.0/v1",
        "https://[::ffff:127.0.0.1]/v1",
        "https://[64:ff9b::a9fe:a9fe]/v1",
        "https://[fd00::1]/v1",
        "https://2130706433/v1",
        "https://no-such-host.invalid/v1",
        "ftp://example.com/v1",
        "file:///etc/passwd",
        "https:///v1",
        "not an address",
        "https://exa mple.com",
        "https://[::1",
    ],
)
async def test_a_document_cannot_name_an_address_that_is_not_public(address: str) -> None:
    models = ModelGateway(Catalog(), VAULT, environment=STACK)
    model = {"provider": "OpenAI", "model": "m", "base_url": address, "api_key": "k"}
    with pytest.raises(ModelError, match="base_url cannot be used") as error:
        await complete(models, ModelRequest(model=model, messages=[]))
    assert error.value.kind == "invalid_request"


async def test_only_openai_shaped_providers_take_an_address_from_a_document() -> None:
    models = ModelGateway(Catalog(), VAULT, environment=STACK)
    model = {"provider": "Anthropic", "model": "m", "base_url": "https://example.com"}
    with pytest.raises(ModelError, match="cannot be asked at another address"):
        await complete(models, ModelRequest(model=model, messages=[]))

"""With the emulator's access control switched on, every function gets along with the rights of its role."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from infra.permissions import GRANTS, RULE_ACTIONS, SCHEDULE_ACTIONS
from smyth.local.assembly import Assembly
from smyth.local.deploy import deploy, look_up, operator_key
from smyth.platform.routes import ROUTES
from tests.infra import rights_of_business as business
from tests.infra import rights_of_knowledge as known
from tests.infra import rights_of_occasions as occasions
from tests.infra.callers import Caller
from tests.infra.cloud import Cloud
from tests.infra.conftest import Stack
from tests.integration.emulator import emulator
from tests.peers.oidc_server import PEOPLE, OidcServer
from tests.unit.engine.workflows import document, endpoint, output, part

pytestmark = pytest.mark.xdist_group("infra-rights")

HERE = "us-east-1:000000000000"
BUCKET = "smyth-laptop-000000000000-us-east-1"
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

#: Whom the emulator takes for the account's owner; so do our clients sign.
OWNER = {"AWS_ACCESS_KEY_ID": "000000000000", "AWS_SECRET_ACCESS_KEY": "laptop"}


@pytest.fixture(scope="module")
def issuer() -> Iterator[OidcServer]:
    with OidcServer() as server:
        yield server


@pytest.fixture(scope="module")
def cloud(
    synthesised: Callable[..., Stack], issuer: OidcServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cloud]:
    issuers = [{"issuer": issuer.url, "audience": [PEOPLE]}]
    stack = synthesised("laptop", issuers=issuers, embedding_model="")
    assembly = Assembly.read(stack.path.parent)
    for id in [id for id, one in assembly.template["Resources"].items() if one["Type"] == "AWS::SQS::QueuePolicy"]:
        del assembly.template["Resources"][id]
    with emulator(tmp_path_factory.mktemp("emulator"), AUTH="true", **OWNER) as url:
        deploy(assembly, url)
        made = Cloud(url, look_up(assembly.stack, url))
        # It refuses whoever comes without TLS, which the emulator does not speak here; so do the queues' policies.
        made.aws("s3").delete_bucket_policy(Bucket=BUCKET)
        _misread(made)
        yield made


def _misread(cloud: Cloud) -> None:
    """Grant what the emulator asks for instead: a rule's targets are the bus to it, any group the default."""
    document = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": list(RULE_ACTIONS),
                "Resource": f"arn:aws:events:{HERE}:event-bus/smyth-laptop",
            },
            {
                "Effect": "Allow",
                "Action": list(SCHEDULE_ACTIONS),
                "Resource": f"arn:aws:scheduler:{HERE}:schedule/default/*",
            },
        ],
    }
    for name in (name for name, grant in GRANTS.items() if grant.occasions):
        function = cloud.aws("lambda").get_function_configuration(FunctionName=cloud.deployed.functions[name])
        role = function["Role"].rpartition("/")[2]
        cloud.aws("iam").put_role_policy(RoleName=role, PolicyName="misread", PolicyDocument=json.dumps(document))


def test_every_function_gets_along_with_its_rights(cloud: Cloud, issuer: OidcServer) -> None:
    operator = Caller(cloud, operator_key(cloud.deployed, cloud.url))
    tenant_id = operator("POST", "/api/tenants", json={"name": "Acme", "plan": "pro", "limits": {"agents": 20}})["id"]
    operator("GET", "/api/tenants")
    operator("GET", "/api/tenants/{tenant_id}", tenant_id=tenant_id)
    operator("PATCH", "/api/tenants/{tenant_id}", tenant_id=tenant_id, json={"plan": "basic"})
    key = operator("POST", "/api/keys", json={"name": "k", "role": "owner", "tenant_id": tenant_id})["key"]

    tenant = Caller(cloud, key)
    _keys_and_usage(tenant)
    _models(tenant)
    _credentials(tenant)
    occasions.triggers(cloud, tenant)
    occasions.schedules(tenant)
    occasions.webhooks(tenant)
    _agents(tenant)
    _talk(tenant)
    _keep(tenant)
    _offer(tenant)
    _openai(tenant)
    _compute(tenant)
    known.vectors(tenant)
    known.documents(cloud, tenant, tenant_id)
    file_key = tenant("POST", "/api/storage/upload", files={"file": ("a.txt", b"content")})["key"]
    for path in ("/health", "/docs", "/openapi.json"):
        tenant("GET", path)
    tenant("GET", "/docs/{asset}", asset="swagger-ui.css")

    business.bills(operator, tenant, tenant_id)
    business.budgets_and_alerts(tenant)
    person = business.people(cloud, tenant, issuer)
    business.audits(operator, tenant)

    assert "leases" in cloud.invoke("schedule_tick", {})
    assert cloud.invoke("migrate", {})["done"]
    _notice(cloud, tenant_id, file_key)
    business.export_and_erasure(cloud, operator, tenant_id)
    assert operator.called | tenant.called | person.called == {(route.method, route.path) for route in ROUTES}


def _notice(cloud: Cloud, tenant_id: str, file_key: str) -> None:
    """Tell of an object as S3 does."""
    new = {
        "bucket": {"name": BUCKET},
        "object": {"key": f"t/{tenant_id}/files/{file_key}", "size": 7, "sequencer": "9"},
    }
    event = {"source": "aws.s3", "detail-type": "Object Created", "detail": new}
    assert cloud.invoke("object_created", event)["result"] == "stored"


def _keys_and_usage(tenant: Caller) -> None:
    key_id = tenant("POST", "/api/keys", json={"name": "more", "role": "viewer"})["id"]
    tenant("GET", "/api/keys")
    tenant("PATCH", "/api/keys/{key_id}", key_id=key_id, json={"name": "other"})
    assert tenant("POST", "/api/keys/{key_id}/rotate", key_id=key_id, json={})["key"]
    tenant("DELETE", "/api/keys/{key_id}", key_id=key_id)
    tenant("GET", "/api/usage")
    tenant("GET", "/api/components")
    tenant("GET", "/api/connectors")


def _models(tenant: Caller) -> None:
    model = {"provider": "OpenAI", "model": "gpt-4o-mini", "fallbacks": ["Echo"]}
    tenant("PUT", "/api/models/{name}", name="ours", json=model)
    tenant("GET", "/api/models")
    assert tenant("GET", "/api/models/{name}", name="ours")["own"]
    tenant("DELETE", "/api/models/{name}", name="ours")


def _credentials(tenant: Caller) -> None:
    tenant("PUT", "/api/credentials/{name}", name="ours", json={"value": "one"})
    assert tenant("GET", "/api/credentials")["items"][0]["name"] == "ours"
    assert tenant("POST", "/api/credentials/{name}/rotate", name="ours", json={"value": "two"})["current"] == 2
    assert tenant("POST", "/api/credentials/{name}/rollback", name="ours")["current"] == 1
    tenant("GET", "/api/credentials/{name}", name="ours")
    tenant("DELETE", "/api/credentials/{name}", name="ours")


def _agents(tenant: Caller) -> None:
    agent_id = tenant("POST", "/api/agents/create", json={"name": "Short-lived"})["id"]
    tenant("GET", "/api/agents")
    tenant("GET", "/api/agents/{agent_id}", agent_id=agent_id)
    tenant("PATCH", "/api/agents/{agent_id}", agent_id=agent_id, json={"description": "Changed"})
    tenant("GET", "/api/agents/{agent_id}/versions", agent_id=agent_id)
    tenant("POST", "/api/agents/{agent_id}/publish", agent_id=agent_id, json={"version": 1})
    tenant("GET", "/api/agents/{agent_id}/export", agent_id=agent_id)
    skill = {
        "name": "digest",
        "inputs": [{"name": "text"}],
        "steps": [{"id": "hash", "component": "FHash", "inputs": {"Data": "{{text}}"}}],
        "output": {"md5": "hash.Hash"},
    }
    tenant("POST", "/api/skills/add", json={"agent_id": agent_id, **skill})
    tenant("DELETE", "/api/agents/{agent_id}", agent_id=agent_id)


def _talk(tenant: Caller) -> None:
    document = json.loads((EXAMPLES / "assistant.smyth").read_text())
    agent_id = tenant("POST", "/api/agents/import", json=document)["id"]
    tenant("GET", "/api/agents/{agent_id}/run/{endpoint}", agent_id=agent_id, endpoint="now")
    # So long that the answer, kept for a retry, and the turn of the chat lie in the bucket.
    long = {"message": "long " * 78_000}
    said = tenant(
        "POST", "/api/agents/{agent_id}/run/{endpoint}", agent_id=agent_id, endpoint="fingerprint", json={"text": "a"}
    )
    assert "sha256" in json.dumps(said)
    for _ in range(2):
        assert len(tenant("POST", "/api/agents/{agent_id}/prompt", agent_id=agent_id, json=long)["output"]) > 350_000
    turn = tenant("POST", "/api/agents/{agent_id}/chat", agent_id=agent_id, json=long)
    tenant("GET", "/api/agents/{agent_id}/chat?conversation_id={id}", agent_id=agent_id, id=turn["conversation_id"])
    assert "end" in tenant("POST", "/api/agents/{agent_id}/stream", agent_id=agent_id, json={"message": "hello"})
    conversations = "/api/agents/{agent_id}/conversations"
    assert len(tenant("GET", conversations, agent_id=agent_id)["items"]) == 1
    for method in ("GET", "DELETE"):
        path = conversations + "/{conversation_id}"
        tenant(method, path, agent_id=agent_id, conversation_id=turn["conversation_id"])


def _upload_and_delete(tenant: Caller) -> None:
    """Send a file, and announce one in parts that is given up."""
    file = tenant("POST", "/api/storage/upload", files={"file": ("a.txt", b"Hello", "text/plain")})
    tenant("GET", "/api/storage")
    assert tenant("GET", "/api/storage/{key}", key=file["key"])["status"] == "stored"
    assert tenant("POST", "/api/storage/{key}/complete", key=file["key"])["status"] == "stored"
    tenant("DELETE", "/api/storage/{key}", key=file["key"])
    large = tenant("POST", "/api/storage/upload", json={"name": "large", "size": 100 * 1024 * 1024})
    tenant("POST", "/api/storage/{key}/complete", key=large["key"], refused=409)
    tenant("DELETE", "/api/storage/{key}", key=large["key"])


def _keep(tenant: Caller) -> None:
    """Run an agent that stores a file and remembers where."""
    kept = document(
        endpoint("data"),
        part("S", "FileStore", {"ttl": 86_400}, inputs=({"name": "Data", "type": "Binary"},), outputs=("Url!",)),
        part("W", "MemoryWriteObject", {"scope": "ttl"}, inputs=("Data",), outputs=("Keys!",)),
        output("url"),
        wires=("E.body.data > S.Data", "E.body > W.Data", "S.Url > O.url"),
    )
    agent_id = tenant("POST", "/api/agents/import", json=kept)["id"]
    _upload_and_delete(tenant)
    said = tenant(
        "POST", "/api/agents/{agent_id}/run/{endpoint}", agent_id=agent_id, endpoint="go", json={"data": "a", "b": "c"}
    )
    memory, stored = said
    assert memory["result"] == {"Keys": ["data", "b"], "Count": 2}
    assert stored["url"].startswith("http://laptop/files/")
    tenant("GET", "/files/{token}", token=stored["url"].rpartition("/")[2])


def _offer(tenant: Caller) -> None:
    """Let an agent be found and used by programs that know nothing of this API."""
    document = json.loads((EXAMPLES / "hash-api.smyth").read_text())
    agent_id = tenant("POST", "/api/agents/import", json=document)["id"]
    assert tenant("GET", "/api/agents/{agent_id}/openapi.json", agent_id=agent_id)["openapi"] == "3.1.0"
    path = "/api/agents/{agent_id}/mcp"
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call"}
    call = message | {"params": {"name": "hash", "arguments": {"text": "a"}}}
    assert "0cc175b9c0f1b6a831c399e269772661" in json.dumps(tenant("POST", path, agent_id=agent_id, json=call))
    assert "result" in tenant("POST", path, agent_id=agent_id, json=message | {"method": "resources/list"})
    for method in ("GET", "DELETE"):
        tenant(method, path, agent_id=agent_id, refused=405)


def _openai(tenant: Caller) -> None:
    """Let an agent be used by programs that know OpenAI's API."""
    slug = tenant("POST", "/api/agents/create", json={"name": "One model", "model": "Echo"})["slug"]
    assert slug in [model["id"] for model in tenant("GET", "/v1/models")["data"]]
    assert tenant("GET", "/v1/models/{model}", model=slug)["object"] == "model"
    messages = [{"role": "user", "content": "hello"}]
    said = tenant("POST", "/v1/chat/completions", json={"model": slug, "messages": messages})
    assert said["choices"][0]["message"]["content"] == "hello"
    assert tenant("POST", "/v1/responses", json={"model": slug, "input": "hello"})["status"] == "completed"
    # The emulated stack has no embedding model.
    tenant("POST", "/v1/embeddings", refused=404, json={"model": "default", "input": "hello"})


def _compute(tenant: Caller) -> None:
    """Run code: the function at the front may invoke the one that runs it."""
    code = "async function main(a) { console.log(a); return [a.n * 2, typeof process]; }"
    computing = document(
        endpoint("a"),
        part("C", "ECMASandbox", {"code": code}, inputs=("a",), outputs=("Output!",)),
        output("answer"),
        wires=("E.body.a > C.a", "C.Output > O.answer"),
    )
    agent_id = tenant("POST", "/api/agents/import", json=computing)["id"]
    said = tenant(
        "POST", "/api/agents/{agent_id}/run/{endpoint}", agent_id=agent_id, endpoint="go", json={"a": {"n": 21}}
    )
    assert said == {"answer": [42, "undefined"]}

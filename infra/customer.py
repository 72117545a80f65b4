"""What may differ between customers, read from ``infra/customers/<name>.yaml``.

``python -m infra.customer schema`` writes the JSON schema that editors complete and check those files with.
"""

from __future__ import annotations

import ipaddress
import json
import re
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from infra.paths import CUSTOMERS
from smyth.connectors.identity.issuers import read_issuers
from smyth.platform.billing_settings import BillingSettings
from smyth.platform.plans import Plan, RunLimits, load_plans
from smyth.platform.routes import FUNCTIONS


def _known_function(name: str) -> str:
    known = [function.name for function in FUNCTIONS]
    if name not in known:
        raise ValueError(f"there is no function '{name}'; known: {', '.join(known)}")
    return name


def _host_or_network(entry: str) -> str:
    try:
        ipaddress.ip_network(entry)
    except ValueError:
        if not re.fullmatch(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*", entry):
            raise ValueError(
                f"'{entry}' is no host name and no network; write 'db.internal' or '10.1.0.0/16'"
            ) from None
    return entry


#: The retention times that CloudWatch Logs knows, in days.
Retention = Literal[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653
]

FunctionName = Annotated[
    str,
    AfterValidator(_known_function),
    Field(json_schema_extra={"enum": [function.name for function in FUNCTIONS]}),
]
HostOrNetwork = Annotated[str, AfterValidator(_host_or_network)]
_NAME = re.compile(r"[a-z][a-z0-9-]{0,18}[a-z0-9]")
#: What editors check the files with.
SCHEMA = CUSTOMERS / "schema.json"


class CustomerError(ValueError):
    """A customer's file is missing or wrong; the message says where and what to do."""


class _Settings(BaseModel):
    """A block of settings; what is said below a setting is what an editor tells of it."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Data(_Settings):
    """What becomes of table and bucket."""

    keep: bool = True
    """Table, bucket and key survive the deletion of the stack, and the table refuses to be deleted."""
    point_in_time_recovery: bool = True
    """The table can be restored as it was at any second of the last 35 days."""


class StageThrottle(_Settings):
    """The limit of the whole stage, over all tenants."""

    rate: int = Field(default=500, gt=0)
    """Requests a second."""
    burst: int = Field(default=1000, gt=0)
    """Requests at once."""


class Domain(_Settings):
    """A name of the customer's own for the API."""

    name: str = Field(pattern=r"^([a-z0-9-]+\.)+[a-z]{2,}$")
    """Such as ``agents.example.com``."""
    certificate_arn: str = Field(pattern=r"^arn:aws[a-z-]*:acm:[a-z0-9-]+:\d{12}:certificate/[a-f0-9-]+$")
    """A certificate of AWS Certificate Manager for that name, in the stack's region."""
    hosted_zone_id: str | None = Field(default=None, pattern=r"^Z[A-Z0-9]+$")
    """The zone of Route 53 to write the name into; without one, point the name at the output ``DomainTarget``."""


class Waf(_Settings):
    """A web application firewall before the API; about 9 dollars a month and 0.60 per million requests."""

    requests_per_address: int = Field(default=3000, ge=10, le=2_000_000_000)
    """How many requests one address may make in five minutes before it is refused for a while."""


class Alarms(_Settings):
    """What is watched, and who is told."""

    email: str = Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")
    """Must confirm, by a link that AWS sends, before anything arrives."""
    budget_usd: int | None = Field(default=None, gt=0)
    """Monthly cost of the whole account at which a mail is sent; also at four fifths of it, and when it is foreseen."""
    slow_after_seconds: int = Field(default=20, gt=0)
    """An alarm is raised when one in twenty buffered answers of agents takes longer."""


class Identity(_Settings):
    """People who sign in, and machines that fetch tokens, by a Cognito user pool of the stack's own."""

    sign_up: bool = False
    """Whether anybody may make an account, which by itself opens nothing; else the operator makes them."""
    second_factor: bool = True
    """People show a code of an authenticator app besides their password."""
    callback_urls: list[Annotated[str, Field(pattern=r"^(https://|http://localhost)")]] = []
    """Pages that may sign people in by Cognito's own page; without one, programs sign in by password (SRP)."""
    machines: list[Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,30}$")]] = []
    """Machines that fetch tokens by client credentials, each with an id and a secret; about 6 dollars a month each."""


class Billing(BillingSettings, _Settings):
    """How invoices are made and paid."""

    stripe: bool = False
    """Payments by Stripe, whose keys go into the secret ``smyth/<customer>/stripe``; else they are noted by hand."""


class Alerts(_Settings):
    """How tenants are told that a quota or a budget runs out; their own webhooks need nothing here."""

    from_email: str | None = Field(default=None, pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")
    """Mails come from this address, which Amazon SES must have verified in the stack's region."""
    event_bus: str = Field(default="", pattern=r"^[A-Za-z0-9._/-]{0,256}$")
    """The bus of EventBridge, in this account and region, that takes alerts too, such as ``default``."""


class Vectors(_Settings):
    """Where vectors are kept and searched."""

    kind: Literal["embedded", "opensearch", "s3vectors"] = "embedded"
    """embedded: in the bucket, by the functions. opensearch: Amazon OpenSearch Serverless. s3vectors: Amazon S3."""
    max_ocu: int = Field(default=2, ge=1, le=1696)
    """OpenSearch: up to so many compute units for searches, and as many for writes; paid for while they are used."""
    wait_seconds: float = Field(default=0, ge=0, le=25)
    """OpenSearch: how long a request waits for a collection that wakes from ten idle minutes; else 503, try again."""


class AtOnce(_Settings):
    """How many messages of a queue are worked off at the same time at most; the others wait."""

    knowledge: int = Field(default=5, ge=2, le=1000)
    """Documents that are indexed."""
    triggers: int = Field(default=20, ge=2, le=1000)
    """Agents that run because of a trigger."""


class Customer(_Settings):
    """One stack."""

    name: str = Field(pattern=rf"^{_NAME.pattern}$")
    """As the file is called; it is part of every physical name."""
    account: str | None = Field(default=None, pattern=r"^\d{12}$")
    """Without one: the account of whoever deploys."""
    region: str = Field(default="us-east-1", pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")
    """The region that everything of the stack lies in."""
    architecture: Literal["arm64", "x86_64"] = "arm64"
    """What the functions run on; arm64 costs a fifth less."""
    api_key_source: Literal["AUTHORIZER", "HEADER"] = "AUTHORIZER"
    """AUTHORIZER: the authorizer names the tenant's usage identifier. HEADER: the caller (the laptop's front) does."""
    streaming: Literal["adapter", "front"] = "adapter"
    """adapter: streams leave through the Lambda Web Adapter. front: the laptop's front serves them."""
    layer: Literal["full", "source"] = "full"
    """full: layers bring everything. source: a layer brings our package, the running environment its dependencies."""
    gateway_responses: Literal["document", "resources"] = "document"
    """Where the gateway's errors are declared: in its document, or beside it for an emulator that needs it."""
    access_logs: bool = True
    """The API logs every request; sets the account's CloudWatch role for API Gateway."""
    log_retention_days: Retention = 30
    """How long logs are kept."""
    data: Data = Data()
    """What becomes of table and bucket."""
    customer_key: bool = False
    """Data, secret and logs are encrypted with a key of the stack's own; a dollar a month and requests."""
    throttle: StageThrottle = StageThrottle()
    """The limit of the whole stage, over all tenants."""
    domain: Domain | None = None
    """A name of the customer's own for the API."""
    waf: Waf | None = None
    """A web application firewall before the API."""
    alarms: Alarms | None = None
    """Alarms, a budget and a dashboard."""
    identity: Identity | None = None
    """Sign-in of people and machines by Cognito."""
    issuers: list[dict[str, Any]] = []
    """Further issuers whose tokens are taken (OIDC): issuer, audience, and what docs/identity.md tells."""
    billing: Billing = Billing()
    """How invoices are made and paid."""
    alerts: Alerts = Alerts()
    """How tenants are told that a quota or a budget runs out."""
    run_allowance: Annotated[str, Field(pattern=r"^\d+(\.\d{1,6})?$")] = "0.25"
    """What the models of one request may cost, in dollars, where a budget applies and says no more."""
    ip_requests_per_minute: int | None = Field(default=None, gt=0)
    """So many billable requests a minute from one address at most."""
    xray: bool = False
    """Requests are traced with X-Ray through gateway and functions."""
    bedrock: bool = False
    """Functions that ask models may use the account's models of Amazon Bedrock, for which the account pays."""
    tenant_isolation: bool = False
    """No two tenants' code runs in one execution environment; each tenant's first call then starts a new one."""
    published: bool = True
    """Functions are called through an alias on a published version; without it they are changed in place."""
    snap_start: bool = True
    """Functions that ask models start from a snapshot; about 4 dollars a month and GB of memory, used or not."""
    canary: Literal["none", "linear", "canary"] = "none"
    """How new versions of what agents and searches run on take over: at once, a tenth a minute, or a tenth and after
    five minutes the rest. All other functions change at once; errors of any take the release back."""
    reserved_concurrency: dict[FunctionName, Annotated[int, Field(ge=1)]] = {}
    """Instances kept for (and at most used by) a function, by its name."""
    plans: dict[str, dict[str, Any]] = {}
    """Partial plans by name, laid over the price list; a new name is a whole new plan."""
    run_limits: RunLimits = RunLimits()
    """What one run of an agent may use up; plans may tighten it (``run_limits``). Empty: as the engine has it."""
    models: dict[str, dict[str, Any]] = {}
    """Further model entries by name."""
    embedding_model: str = ""
    """What turns texts into vectors, as ``provider/model``; without one, search is by vector alone. On the
    laptop also ``embedded``: a small model that is installed with the checkout."""
    vectors: Vectors = Vectors()
    """Where vectors are kept and searched."""
    at_once: AtOnce = AtOnce()
    """How many documents are indexed, and agents run by triggers, at the same time."""
    allow_private_http: bool = False
    """Whether agents may call addresses inside the network."""
    allowed_http: list[HostOrNetwork] = []
    """Host names and networks that agents may call though they are not public, such as "10.1.0.0/16"."""
    environment: dict[str, str] = {}
    """Further environment variables of every function."""
    tags: dict[str, str] = {}
    """Tags of every resource; `customer` is there unless set otherwise."""

    @model_validator(mode="after")
    def _versions_are_published(self) -> Customer:
        if not self.published and (self.snap_start or self.canary != "none"):
            raise ValueError("snap_start and canary need versions; set published to true, or leave those two out")
        return self

    @model_validator(mode="after")
    def _the_embedded_model_is_there(self) -> Customer:
        if self.embedding_model == "embedded" and self.layer != "source":
            raise ValueError(
                "embedding_model: the embedded model is in no layer; name a provider's, such as "
                "openai/text-embedding-3-small"
            )
        return self

    @model_validator(mode="after")
    def _issuers_can_be_used(self) -> Customer:
        read_issuers(self.issuers, plain_http=self.allow_private_http)
        return self

    @field_validator("plans")
    @classmethod
    def _plans_fit(cls, plans: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        for name, changes in plans.items():
            try:
                load_plans({name: changes})
            except ValidationError as error:
                raise ValueError(f"plan '{name}': {_faults(error, '; ')}") from None
        return plans

    def price_list(self) -> dict[str, Plan]:
        """The plans of this stack: the common ones with the customer's changes."""
        return load_plans(self.plans)


def names(folder: Path = CUSTOMERS) -> list[str]:
    """The customers there are."""
    return sorted(path.stem for path in folder.glob("*.yaml"))


def load(name: str, folder: Path = CUSTOMERS) -> Customer:
    """Read and check a customer's file.

    Raises:
        CustomerError: There is no such file, or it says what it must not.
    """
    path = folder / f"{name}.yaml"
    if not _NAME.fullmatch(name):
        raise CustomerError(
            f"'{name}' is no customer's name: 2 to 20 lower-case letters, digits and hyphens, beginning with a letter."
        )
    if not path.is_file():
        raise CustomerError(
            f"There is no customer '{name}'. Known: {', '.join(names(folder)) or 'none'}. "
            f"Copy {folder / 'demo.yaml'} to {path} and change it."
        )
    try:
        said = yaml.safe_load(path.read_text("utf-8"))
    except yaml.YAMLError as error:
        raise CustomerError(f"{path} is not YAML: {error}") from error
    if not isinstance(said, dict):
        raise CustomerError(f"{path} must hold settings, one `key: value` a line.")
    if said.get("name", name) != name:
        raise CustomerError(f"{path}: name is '{said['name']}' but the file is called {name}.yaml; make them equal.")
    try:
        return Customer.model_validate({"name": name, **said})
    except ValidationError as error:
        raise CustomerError(
            f"{path} cannot be used (infra/customer.py tells every setting):\n  " + _faults(error, "\n  ")
        ) from error


def _faults(error: ValidationError, between: str) -> str:
    return between.join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())


def schema() -> str:
    """The JSON schema of a customer's file; the name may be left out, as the file bears it."""
    said = Customer.model_json_schema()
    said["required"] = [name for name in said.get("required", ()) if name != "name"]
    return json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **said}, indent=2) + "\n"


if __name__ == "__main__":
    if sys.argv[1:] != ["schema"]:
        sys.exit("usage: python -m infra.customer schema")
    SCHEMA.write_text(schema(), "utf-8")
    print(f"wrote {SCHEMA}")

"""What the stack tells a function through its environment, read once and checked at start."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from smyth.platform.money import micro


class SettingsError(RuntimeError):
    """A variable of the environment is missing or cannot be read."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The environment of a function, typed."""

    table_name: str
    bucket_name: str
    #: Plan name -> partial plan; see :func:`smyth.platform.plans.load_plans`.
    plans: Mapping[str, Any] = field(default_factory=dict)
    #: What one run may use up; see :class:`smyth.platform.plans.RunLimits`.
    limits: Mapping[str, Any] = field(default_factory=dict)
    #: Models added to the built-in ones; see :func:`smyth.connectors.models.catalog.read_models`.
    models: Mapping[str, Any] = field(default_factory=dict)
    #: Plan name -> API Gateway usage plan id.
    usage_plan_ids: Mapping[str, str] = field(default_factory=dict)
    operator_secret_arn: str = ""
    #: Whose tokens are taken; see :func:`smyth.connectors.identity.issuers.read_issuers`.
    issuers: Sequence[Any] = ()
    #: Turns texts into vectors; see :func:`smyth.connectors.embeddings.chosen.chosen_model`.
    embedding_model: str = ""
    #: The function that runs users' code; blank: a child process does.
    code_function: str = ""
    #: Each tenant's code runs in processes of its own.
    code_per_tenant: bool = False
    #: What a call of users' code may use up; see :class:`smyth.connectors.code.port.CodeLimits`.
    code_limits: Mapping[str, Any] = field(default_factory=dict)
    #: What the models of one request may cost where a budget applies and says no more, in micro-USD.
    run_allowance: int = 250_000
    #: So many billable requests a minute from one address at most; None: no such limit.
    ip_requests_per_minute: int | None = None
    #: How invoices are made; see :class:`smyth.platform.billing_settings.BillingSettings`.
    billing: Mapping[str, Any] = field(default_factory=dict)
    #: The keys of the account at Stripe, as JSON with api_key and webhook_secret; blank: payments are written by hand.
    stripe_secret_arn: str = ""
    #: Another server than Stripe's, for tests.
    stripe_url: str = ""
    customer: str = ""
    #: Where vectors are kept and searched; empty: in the bucket, by the embedded search. Else ``{"kind": "opensearch",
    #: "endpoint": ..., "service": "aoss" | "es", "wait_s": ...}`` or ``{"kind": "s3vectors", "bucket": ...}``.
    vectors: Mapping[str, Any] = field(default_factory=dict)
    #: What names of secrets with tenants' credentials begin with.
    credentials_prefix: str = ""
    #: The key that tenants' secrets are encrypted with; blank: AWS's own.
    credentials_key: str = ""
    #: Documents that are to be indexed.
    knowledge_queue: str = ""
    #: What is to start agents, and the same queue by its ARN, as schedules and rules name their target.
    trigger_queue: str = ""
    trigger_queue_arn: str = ""
    #: What schedules and rules could not hand to the triggers' queue.
    trigger_dead_letters_arn: str = ""
    #: The group of EventBridge Scheduler that tenants' schedules belong to, and the role that they act by.
    schedule_group: str = ""
    schedule_role_arn: str = ""
    #: The stack's own bus of EventBridge: its events start agents, by a rule of each trigger.
    triggers_bus: str = ""
    #: The address that mails of alerts come from; blank: none are sent.
    alerts_from: str = ""
    #: EventBridge's bus that takes alerts; blank: none does.
    event_bus: str = ""
    #: Agents may call addresses inside private networks; only on a laptop.
    allow_private_http: bool = False
    #: Host names and networks that agents may call though they are not public.
    allowed_http: tuple[str, ...] = ()
    #: The request context may come as a header; only where nothing but the stack's own front reaches the socket.
    trust_request_context: bool = False
    #: The client's word for this service's host may be taken; only on a laptop, whose front is the only client.
    trust_forwarded_host: bool = False

    @property
    def vectors_in_bucket(self) -> bool:
        """Whether vectors are kept in the bucket, by the embedded search."""
        return bool(self.vectors.get("kind", "embedded") == "embedded")

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Settings:
        """Read the environment.

        Raises:
            SettingsError: A variable is missing or is not the JSON it should be.
        """
        return cls(
            table_name=_required(env, "TABLE_NAME"),
            bucket_name=_required(env, "BUCKET_NAME"),
            plans=_json_object(env, "SMYTH_PLANS"),
            limits=_json_object(env, "SMYTH_LIMITS"),
            models=_json_object(env, "SMYTH_MODELS"),
            usage_plan_ids=_json_object(env, "USAGE_PLAN_IDS"),
            operator_secret_arn=env.get("OPERATOR_SECRET_ARN", ""),
            issuers=_json_list(env, "SMYTH_ISSUERS"),
            embedding_model=env.get("SMYTH_EMBEDDING_MODEL", ""),
            code_function=env.get("CODE_FUNCTION", ""),
            code_per_tenant=env.get("CODE_PER_TENANT") == "1",
            code_limits=_json_object(env, "SMYTH_CODE_LIMITS"),
            run_allowance=_amount(env, "SMYTH_RUN_ALLOWANCE", default="0.25"),
            ip_requests_per_minute=_whole_number(env, "SMYTH_IP_REQUESTS_PER_MINUTE"),
            billing=_json_object(env, "SMYTH_BILLING"),
            stripe_secret_arn=env.get("STRIPE_SECRET_ARN", ""),
            stripe_url=env.get("SMYTH_STRIPE_URL", ""),
            customer=env.get("SMYTH_CUSTOMER", ""),
            vectors=_vectors(env),
            credentials_prefix=env.get("CREDENTIALS_PREFIX", ""),
            credentials_key=env.get("CREDENTIALS_KEY_ARN", ""),
            knowledge_queue=env.get("KNOWLEDGE_QUEUE_URL", ""),
            trigger_queue=env.get("TRIGGER_QUEUE_URL", ""),
            trigger_queue_arn=env.get("TRIGGER_QUEUE_ARN", ""),
            trigger_dead_letters_arn=env.get("TRIGGER_DEAD_LETTERS_ARN", ""),
            schedule_group=env.get("SCHEDULE_GROUP", ""),
            schedule_role_arn=env.get("SCHEDULE_ROLE_ARN", ""),
            triggers_bus=env.get("EVENT_BUS_NAME", ""),
            alerts_from=env.get("SMYTH_ALERTS_FROM", ""),
            event_bus=env.get("SMYTH_EVENT_BUS", ""),
            allow_private_http=env.get("SMYTH_ALLOW_PRIVATE_HTTP") == "1",
            allowed_http=tuple(env.get("SMYTH_ALLOWED_HTTP", "").replace(",", " ").split()),
            trust_request_context=env.get("SMYTH_TRUST_REQUEST_CONTEXT") == "1",
            trust_forwarded_host=env.get("SMYTH_TRUST_FORWARDED_HOST") == "1",
        )


@cache
def settings() -> Settings:
    """Return this function's settings; the environment is read at the first call."""
    return Settings.from_env(os.environ)


def _required(env: Mapping[str, str], name: str) -> str:
    value = env.get(name, "")
    if not value:
        raise SettingsError(f"The environment variable {name} is not set. The stack sets it; a test must set it too.")
    return value


def _amount(env: Mapping[str, str], name: str, *, default: str) -> int:
    try:
        return micro(env.get(name) or default)
    except ValueError as error:
        raise SettingsError(f"The environment variable {name} {error}.") from None


def _whole_number(env: Mapping[str, str], name: str) -> int | None:
    text = env.get(name, "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and int(text)):
        raise SettingsError(f'The environment variable {name} must be a whole number such as "60".')
    return int(text)


def _vectors(env: Mapping[str, str]) -> dict[str, Any]:
    if env.get("SMYTH_VECTORS") == "embedded":
        return {}
    match said := _json_object(env, "SMYTH_VECTORS"):
        case {"kind": "opensearch", "endpoint": str()}:
            said = {"service": "aoss", "wait_s": 0, **said}
            if said["service"] in ("aoss", "es") and isinstance(said["wait_s"], int | float):
                return said
        case {"kind": "s3vectors", "bucket": str()} | {"kind": "embedded"}:
            return said
    if not said:
        return {}
    raise SettingsError(
        'The environment variable SMYTH_VECTORS must be empty, "embedded", {"kind": "s3vectors", "bucket": name} or '
        '{"kind": "opensearch", "endpoint": address, "service": "aoss" or "es", "wait_s": seconds}.'
    )


def _json_object(env: Mapping[str, str], name: str) -> dict[str, Any]:
    value = _json(env, name, {})
    if not isinstance(value, dict):
        raise SettingsError(f"The environment variable {name} must hold a JSON object.")
    return value


def _json_list(env: Mapping[str, str], name: str) -> list[Any]:
    value = _json(env, name, [])
    if not isinstance(value, list):
        raise SettingsError(f"The environment variable {name} must hold a JSON list.")
    return value


def _json(env: Mapping[str, str], name: str, empty: Any) -> Any:
    text = env.get(name, "")
    try:
        return json.loads(text) if text else empty
    except ValueError as error:
        raise SettingsError(f"The environment variable {name} is not JSON: {error}.") from None

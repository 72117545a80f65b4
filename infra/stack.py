"""The stack of one customer. It only wires."""

from __future__ import annotations

import json
import sysconfig
from pathlib import Path

from aws_cdk import CfnOutput, DefaultStackSynthesizer, Environment, Stack, Tags
from aws_cdk import aws_kms as kms
from constructs import Construct

from infra import names
from infra.api import Api
from infra.customer import Customer
from infra.data import Data
from infra.events import Events
from infra.functions import Functions, Rights, arn
from infra.identity import SignIn
from infra.keys import Keys
from infra.observability import Observability
from infra.occasions import Occasions
from infra.permissions import GRANTS, Grant
from infra.protection import Protection
from infra.queues import WORKERS, Queues
from infra.runtime import Runtime
from infra.secrets import Secrets
from infra.statements import bedrock, statements, tracing
from infra.storage import Storage
from infra.vectors import Vectors
from smyth.platform.routes import CODE_FUNCTION, FUNCTIONS

#: Functions that ask models.
_ASKING = frozenset(function.name for function in FUNCTIONS if function.models)


class SmythStack(Stack):
    """Everything that one customer needs."""

    def __init__(self, scope: Construct, *, customer: Customer, staging: Path) -> None:
        super().__init__(
            scope,
            names.stack(customer.name),
            stack_name=names.stack(customer.name),
            description=f"Smyth Serverless for customer {customer.name}",
            env=Environment(account=customer.account, region=customer.region),
            # The version of the bootstrap is checked by whoever deploys; a rule in the template could only stop.
            synthesizer=DefaultStackSynthesizer(generate_bootstrap_version_rule=False),
        )
        # On every resource itself: CloudFormation hands on a stack's tags only where it is deployed with them.
        for name, value in {"customer": customer.name, **customer.tags}.items():
            Tags.of(self).add(name, value)
        key = Keys(self, "Keys", customer=customer).key if customer.customer_key else None
        self.data = Data(self, "Data", customer=customer, key=key)
        self.storage = Storage(self, "Storage", customer=customer, key=key)
        self.secrets = Secrets(self, "Secrets", customer=customer, key=key)
        self.vectors = Vectors(self, "Vectors", customer=customer, key=key)
        self.queues = Queues(self, "Queues", customer=customer)
        targets = [self.queues.work["triggers"], self.queues.dead_letters["triggers"]]
        self.occasions = Occasions(self, "Occasions", customer=customer, targets=targets)
        self.sign_in = (
            SignIn(self, "SignIn", customer=customer, settings=customer.identity) if customer.identity else None
        )
        self.runtime = Runtime(self, "Runtime", customer=customer, staging=staging)
        self.api = Api(self, "Api", customer=customer, key=key)
        self.functions = Functions(
            self,
            "Functions",
            customer=customer,
            layers_for=self.runtime.layers_for,
            staging=staging,
            key=key,
            environment=lambda name: self._environment(customer, name, key),
            rights=lambda name: self._rights(customer, name, key),
        )
        self.events = Events(
            self,
            "Events",
            customer=customer,
            bucket=self.storage.bucket,
            table=self.data.table,
            table_changes=self.functions.called["table_changes"],
            object_created=self.functions.called["object_created"],
            schedule_tick=self.functions.called["schedule_tick"],
        )
        for queue, worker in WORKERS.items():
            at_once: int = getattr(customer.at_once, queue)
            self.queues.wake(self.functions.called[worker], queue, at_once=at_once)
        self.vectors.admit(self.functions.roles_of([name for name, grant in GRANTS.items() if grant.vectors]))
        if customer.waf:
            stage = self.api.api.deployment_stage.stage_arn
            Protection(self, "Protection", customer=customer.name, settings=customer.waf, stage_arn=stage)
        if customer.alarms:
            Observability(
                self,
                "Observability",
                customer=customer.name,
                settings=customer.alarms,
                stage=self.api.api.deployment_stage,
                functions=self.functions.by_name,
                dead_letters=[self.events.dead_letters, *self.queues.dead_letters.values()],
                work=list(self.queues.work.values()),
                table=self.data.table,
                key=key,
            )
        self._outputs()

    def _rights(self, customer: Customer, name: str, key: kms.IKey | None) -> Rights:
        """What the table grants a function, and what the customer lets the functions of its kind do."""
        if name == CODE_FUNCTION:
            # A role of its own, though others may do as little: its log is its own too.
            return Rights(name, [])
        grant = GRANTS.get(name, Grant())
        granted = statements(
            grant,
            table=self.data.table,
            bucket=self.storage.bucket,
            operator_secret=names.operator_secret(customer.name),
            stripe_secret=names.stripe_secret(customer.name) if customer.billing.stripe else None,
            mail_from=customer.alerts.from_email,
            event_bus=customer.alerts.event_bus,
            usage_plan_ids=self.api.usage_plan_ids,
            code_function=arn(customer, CODE_FUNCTION),
            dead_letters=names.dead_letters(customer.name),
            customer=customer.name,
            vectors=self.vectors.statements,
            schedule_role=self.occasions.role.role_arn,
            key_arn=key.key_arn if key else None,
        )
        label = grant.label
        if customer.bedrock and name in _ASKING:
            granted += bedrock()
            label += "-bedrock"
        if customer.xray:
            granted += tracing()
        return Rights(label, granted)

    def _environment(self, customer: Customer, name: str, key: kms.IKey | None) -> dict[str, str]:
        runtime = {"PYTHONPATH": sysconfig.get_path("purelib")} if customer.layer == "source" else {}
        if name == CODE_FUNCTION:
            # It runs what strangers wrote, so nothing of the stack is to be found in it, not even a name.
            return runtime
        grant = GRANTS.get(name, Grant())
        said = {
            "SMYTH_CUSTOMER": customer.name,
            "SMYTH_PLANS": json.dumps(customer.plans) if customer.plans else "",
            "SMYTH_LIMITS": customer.run_limits.model_dump_json(exclude_none=True),
            "SMYTH_MODELS": json.dumps(customer.models) if customer.models else "",
            "SMYTH_EMBEDDING_MODEL": customer.embedding_model,
            "SMYTH_RUN_ALLOWANCE": customer.run_allowance,
            "SMYTH_IP_REQUESTS_PER_MINUTE": str(customer.ip_requests_per_minute or ""),
            "SMYTH_BILLING": customer.billing.model_dump_json(exclude={"stripe"}, exclude_defaults=True),
            "SMYTH_ALERTS_FROM": customer.alerts.from_email or "",
            "SMYTH_EVENT_BUS": customer.alerts.event_bus,
            "SMYTH_ALLOW_PRIVATE_HTTP": "1" if customer.allow_private_http else "",
            "SMYTH_ALLOWED_HTTP": " ".join(customer.allowed_http),
            "TABLE_NAME": self.data.table.table_name,
            "BUCKET_NAME": self.storage.bucket.bucket_name,
        }
        said |= self._of_data(customer, grant, key)
        if grant.operator_key:
            said["OPERATOR_SECRET_ARN"] = self.secrets.operator_key.secret_arn
        if name == "authorizer":
            own = [self.sign_in.issuer] if self.sign_in else []
            said["SMYTH_ISSUERS"] = self.to_json_string([*own, *customer.issuers])
        if grant.stripe and self.secrets.stripe:
            said["STRIPE_SECRET_ARN"] = self.secrets.stripe.secret_arn
        if grant.usage_keys:
            said["USAGE_PLAN_IDS"] = self.to_json_string(self.api.usage_plan_ids)
        if grant.run_code:
            said["CODE_FUNCTION"] = names.called_function(customer.name, CODE_FUNCTION, published=customer.published)
            said["CODE_PER_TENANT"] = "1" if customer.tenant_isolation else ""
        return {**said, **runtime, **customer.environment}

    def _of_data(self, customer: Customer, grant: Grant, key: kms.IKey | None) -> dict[str, str]:
        """Where to find what the function may touch of tenants' data and events, and nothing else."""
        said = {}
        if grant.vectors:
            said["SMYTH_VECTORS"] = self.vectors.setting
        if grant.credentials != "none":
            said["CREDENTIALS_PREFIX"] = names.credentials(customer.name)
            said["CREDENTIALS_KEY_ARN"] = key.key_arn if key else ""
        queues = self.queues.work
        if "knowledge" in (*grant.sends, *grant.takes):
            said["KNOWLEDGE_QUEUE_URL"] = queues["knowledge"].queue_url
        if "triggers" in (*grant.sends, *grant.takes):
            said["TRIGGER_QUEUE_URL"] = queues["triggers"].queue_url
        if grant.occasions:
            said["TRIGGER_QUEUE_ARN"] = queues["triggers"].queue_arn
            said["TRIGGER_DEAD_LETTERS_ARN"] = self.queues.dead_letters["triggers"].queue_arn
            said["SCHEDULE_GROUP"] = names.schedule_group(customer.name)
            said["SCHEDULE_ROLE_ARN"] = self.occasions.role.role_arn
            said["EVENT_BUS_NAME"] = self.occasions.bus.name
        return said

    def _outputs(self) -> None:
        functions = {name: function.function_name for name, function in self.functions.by_name.items()}
        values = {
            "ApiId": self.api.api.rest_api_id,
            "ApiUrl": self.api.url(),
            "StageName": names.STAGE,
            "TableName": self.data.table.table_name,
            "BucketName": self.storage.bucket.bucket_name,
            "OperatorSecretArn": self.secrets.operator_key.secret_arn,
            "UsagePlanIds": self.to_json_string(self.api.usage_plan_ids),
            "EventBusName": self.occasions.bus.name,
            "TriggerQueueUrl": self.queues.work["triggers"].queue_url,
            "FunctionNames": self.to_json_string(functions),
        }
        for name, value in values.items():
            CfnOutput(self, name, value=value)

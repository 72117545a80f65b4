"""One Lambda function per entry of the function table.

Each function costs CloudFormation a resource or three, so they share what does not tell them apart: one log group for
all but users' code, and one role for all that have the same rights.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from aws_cdk import Aws, Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra import names
from infra.customer import Customer
from infra.layers.package import NOT_CODE
from infra.paths import FUNCTIONS as SOURCES
from infra.paths import OPENAPI, SWAGGER
from infra.shift import Shift
from smyth.platform.routes import (
    CODE_FUNCTION,
    ENTRY,
    FUNCTIONS,
    STREAMED,
    Function,
)

#: Files that lie elsewhere and go beside a function's handler.
EXTRA_FILES: dict[str, tuple[Path, ...]] = {"docs": (OPENAPI, *SWAGGER)}
ARCHITECTURES = {"arm64": lambda_.Architecture.ARM_64, "x86_64": lambda_.Architecture.X86_64}
#: AWS's own publication of the Lambda Web Adapter: Python's runtime cannot stream by itself. 30 is its release 1.1.0,
#: the first that tells the web app of snapshots.
ADAPTER_LAYERS = {
    "arm64": f"arn:{Aws.PARTITION}:lambda:{Aws.REGION}:753240598075:layer:LambdaAdapterLayerArm64:30",
    "x86_64": f"arn:{Aws.PARTITION}:lambda:{Aws.REGION}:753240598075:layer:LambdaAdapterLayerX86:30",
}
ADAPTER_ENVIRONMENT = {
    "AWS_LAMBDA_EXEC_WRAPPER": "/opt/bootstrap",
    "AWS_LWA_INVOKE_MODE": "response_stream",
    "AWS_LWA_PORT": "8080",
    # Model libraries load longer than the ten seconds that Lambda grants for a start. Before a snapshot Lambda and the
    # adapter wait for the web app in any case.
    "AWS_LWA_ASYNC_INIT": "true",
    # Only the adapter reaches the web app's socket, so its word on who calls can be trusted.
    "SMYTH_TRUST_REQUEST_CONTEXT": "1",
}
#: Where the adapter posts around a snapshot; smyth/http/priming.py answers there. From outside it lets nobody through.
SNAPSHOT_ENVIRONMENT = {
    "AWS_LWA_SNAPSTART_BEFORE_CHECKPOINT_PATH": "/_snapshot/before",
    "AWS_LWA_SNAPSTART_AFTER_RESTORE_PATH": "/_snapshot/restored",
}


def arn(customer: Customer, name: str) -> str:
    """What is called to call a function, by its name alone, so that the API need not wait for the functions."""
    account = customer.account or Aws.ACCOUNT_ID
    function = names.called_function(customer.name, name, published=customer.published)
    return f"arn:{Aws.PARTITION}:lambda:{customer.region}:{account}:function:{function}"


@dataclass(frozen=True, slots=True)
class Rights:
    """What a function may do besides writing its log; functions of one label share a role."""

    label: str
    statements: list[iam.PolicyStatement]


class Functions(Construct):
    """All functions, with their roles and their log."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        customer: Customer,
        layers_for: Callable[[Function], list[lambda_.ILayerVersion]],
        staging: Path,
        key: kms.IKey | None,
        environment: Callable[[str], dict[str, str]],
        rights: Callable[[str], Rights],
    ) -> None:
        super().__init__(scope, id)
        self._customer = customer
        self._layers_for = layers_for
        self._staging = staging
        self._key = key
        self._log = self._log_group("log", names.log_group(customer.name))
        self._code_log = self._log_group("code-log", names.code_log_group(customer.name, CODE_FUNCTION))
        self._roles: dict[str, iam.IRole] = {}
        self.by_name = {
            function.name: self._function(function, environment(function.name), rights(function.name))
            for function in FUNCTIONS
        }
        #: What is called: the alias, or the function itself where nothing is published.
        self.called: dict[str, lambda_.IFunction] = dict(self.by_name)
        if customer.published:
            aliases = {name: self._alias(name, function) for name, function in self.by_name.items()}
            self.called.update(aliases)
            if customer.canary != "none":
                Shift(self, "Shift", customer=customer, aliases=aliases)

    def roles_of(self, functions: Iterable[str]) -> list[iam.IRole]:
        """The roles of these functions, each once."""
        roles = {role.node.path: role for name in functions if (role := self.by_name[name].role)}
        return [roles[path] for path in sorted(roles)]

    def _function(self, function: Function, environment: dict[str, str], rights: Rights) -> lambda_.Function:
        customer = self._customer
        adapted = function.name in STREAMED and customer.streaming == "adapter"
        snapshot = function.models and customer.snap_start
        layers = self._layers_for(function)
        if adapted:
            adapter = ADAPTER_LAYERS[customer.architecture]
            layers.append(lambda_.LayerVersion.from_layer_version_arn(self, f"{function.name}-adapter", adapter))
        made = lambda_.Function(
            self,
            function.name,
            function_name=names.function(customer.name, function.name),
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=ARCHITECTURES[customer.architecture],
            code=self._code(function.name),
            handler="run.sh" if adapted else ENTRY,
            layers=layers,
            memory_size=function.memory_mb,
            timeout=Duration.seconds(function.timeout_s),
            environment={
                **environment,
                **(ADAPTER_ENVIRONMENT if adapted else {}),
                **(SNAPSHOT_ENVIRONMENT if adapted and snapshot else {}),
            },
            snap_start=lambda_.SnapStartConf.ON_PUBLISHED_VERSIONS if snapshot else None,
            role=self._role(function.name, rights),
            tenancy_config=lambda_.TenancyConfig.PER_TENANT
            if customer.tenant_isolation and function.name == CODE_FUNCTION
            else None,
            reserved_concurrent_executions=customer.reserved_concurrency.get(function.name),
        )
        resource = made.node.default_child
        assert isinstance(resource, lambda_.CfnFunction)
        resource.logging_config = lambda_.CfnFunction.LoggingConfigProperty(log_group=self._log_of(function.name).ref)
        if customer.xray and function.name != CODE_FUNCTION:
            # By the resource's own switch: the construct's would bring each function a policy more.
            resource.tracing_config = lambda_.CfnFunction.TracingConfigProperty(mode="Active")
        return made

    def _alias(self, name: str, function: lambda_.Function) -> lambda_.Alias:
        """The alias on what is deployed; a version that serves no longer goes, and its snapshot with it."""
        return lambda_.Alias(self, f"{name}-live", alias_name=names.ALIAS, version=function.current_version)

    def _role(self, name: str, rights: Rights) -> iam.IRole:
        """The role of all functions with these rights; CloudTrail still tells them apart, by the session's name."""
        if rights.label not in self._roles:
            log = self._log_of(name).attr_arn
            writes = iam.PolicyStatement(actions=["logs:CreateLogStream", "logs:PutLogEvents"], resources=[log])
            role = iam.Role(
                self,
                f"{rights.label}-role",
                assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
                description=f"{names.stack(self._customer.name)}: {rights.label} (infra/permissions.py), and the log",
                inline_policies={"own": iam.PolicyDocument(statements=[writes, *rights.statements])},
            )
            # What events and destinations need is granted in the table as well, not by policies beside it.
            self._roles[rights.label] = role.without_policy_updates()
        return self._roles[rights.label]

    def _log_of(self, name: str) -> logs.CfnLogGroup:
        return self._code_log if name == CODE_FUNCTION else self._log

    def _log_group(self, id: str, name: str) -> logs.CfnLogGroup:
        """A group that is there before the first call, which would else make it without retention."""
        group = logs.CfnLogGroup(
            self,
            id,
            log_group_name=name,
            retention_in_days=self._customer.log_retention_days,
            kms_key_id=self._key.key_arn if self._key else None,
        )
        group.apply_removal_policy(RemovalPolicy.DESTROY)
        return group

    def _code(self, name: str) -> lambda_.Code:
        source = SOURCES / name
        if not (source / "handler.py").is_file():
            raise FileNotFoundError(f"{source / 'handler.py'} is missing: every entry of FUNCTIONS needs its handler.")
        extra = EXTRA_FILES.get(name, ())
        if extra:
            staged = self._staging / name
            shutil.copytree(source, staged, ignore=shutil.ignore_patterns(*NOT_CODE))
            for path in extra:
                shutil.copy2(path, staged / path.name)
            source = staged
        return lambda_.Code.from_asset(str(source), exclude=list(NOT_CODE))

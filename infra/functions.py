"""One Lambda function per entry of the function table."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from aws_cdk import Aws, Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra import names
from infra.customer import Customer
from infra.layer import NOT_CODE
from infra.paths import FUNCTIONS as SOURCES
from infra.paths import OPENAPI
from smyth.platform.routes import FUNCTIONS, STREAMED, Function

#: Files that lie elsewhere and go beside a function's handler.
EXTRA_FILES: dict[str, tuple[Path, ...]] = {"docs": (OPENAPI,)}
ARCHITECTURES = {"arm64": lambda_.Architecture.ARM_64, "x86_64": lambda_.Architecture.X86_64}
#: AWS's own publication of the Lambda Web Adapter: Python's runtime cannot stream by itself.
ADAPTER_LAYERS = {
    "arm64": f"arn:{Aws.PARTITION}:lambda:{Aws.REGION}:753240598075:layer:LambdaAdapterLayerArm64:25",
    "x86_64": f"arn:{Aws.PARTITION}:lambda:{Aws.REGION}:753240598075:layer:LambdaAdapterLayerX86:25",
}
ADAPTER_ENVIRONMENT = {
    "AWS_LAMBDA_EXEC_WRAPPER": "/opt/bootstrap",
    "AWS_LWA_INVOKE_MODE": "response_stream",
    "AWS_LWA_PORT": "8080",
    # Model libraries load longer than the ten seconds that Lambda grants for a start.
    "AWS_LWA_ASYNC_INIT": "true",
    # Only the adapter reaches the web app's socket, so its word on who calls can be trusted.
    "SMYTH_TRUST_REQUEST_CONTEXT": "1",
}


def arn(customer: Customer, name: str) -> str:
    """A function's ARN by its name alone, so that the API need not wait for the functions."""
    account = customer.account or Aws.ACCOUNT_ID
    return f"arn:{Aws.PARTITION}:lambda:{customer.region}:{account}:function:{names.function(customer.name, name)}"


class Functions(Construct):
    """All functions, each with a role and a log group of its own."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        customer: Customer,
        layers: Sequence[lambda_.ILayerVersion],
        staging: Path,
        environment: Callable[[str], dict[str, str]],
        statements: Callable[[str], list[iam.PolicyStatement]],
    ) -> None:
        super().__init__(scope, id)
        self._customer = customer
        self._layers = layers
        self._staging = staging
        self.by_name = {
            function.name: self._function(function, environment(function.name), statements(function.name))
            for function in FUNCTIONS
        }

    def _function(
        self, function: Function, environment: dict[str, str], statements: list[iam.PolicyStatement]
    ) -> lambda_.Function:
        customer = self._customer
        adapted = function.name in STREAMED and customer.streaming == "adapter"
        layers = list(self._layers)
        if adapted:
            adapter = ADAPTER_LAYERS[customer.architecture]
            layers.append(lambda_.LayerVersion.from_layer_version_arn(self, f"{function.name}-adapter", adapter))
        log_group = logs.CfnLogGroup(
            self,
            f"{function.name}-log",
            log_group_name=names.log_group(customer.name, function.name),
            retention_in_days=customer.log_retention_days,
        )
        log_group.apply_removal_policy(RemovalPolicy.DESTROY)
        made = lambda_.Function(
            self,
            function.name,
            function_name=names.function(customer.name, function.name),
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=ARCHITECTURES[customer.architecture],
            code=self._code(function.name),
            handler="run.sh" if adapted else "handler.handler",
            layers=layers,
            memory_size=function.memory_mb,
            timeout=Duration.seconds(function.timeout_s),
            environment={**environment, **(ADAPTER_ENVIRONMENT if adapted else {})},
            role=self._role(function.name, statements),
            reserved_concurrent_executions=customer.reserved_concurrency.get(function.name),
        )
        # Else the function's first call would make the group itself, without retention.
        made.node.add_dependency(log_group)
        return made

    def _role(self, name: str, statements: list[iam.PolicyStatement]) -> iam.Role:
        group = names.log_group(self._customer.name, name)
        own_log = iam.PolicyStatement(
            actions=["logs:CreateLogStream", "logs:PutLogEvents"],
            resources=[f"arn:{Aws.PARTITION}:logs:{Aws.REGION}:{Aws.ACCOUNT_ID}:log-group:{group}:*"],
        )
        return iam.Role(
            self,
            f"{name}-role",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            description=f"{names.function(self._customer.name, name)}: its log and what infra/permissions.py grants",
            inline_policies={"own": iam.PolicyDocument(statements=[own_log, *statements])},
        )

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

"""The layer that all functions share."""

from __future__ import annotations

from pathlib import Path

from aws_cdk import RemovalPolicy
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra import names
from infra.customer import Customer
from infra.functions import ARCHITECTURES
from infra.layer import build, stage_source


class Runtime(Construct):
    """Every dependency and our package, or on the laptop our package alone."""

    def __init__(self, scope: Construct, id: str, *, customer: Customer, staging: Path) -> None:
        super().__init__(scope, id)
        content = build(customer.architecture) if customer.layer == "full" else stage_source(staging / "layer")
        self.layer = lambda_.LayerVersion(
            self,
            "Layer",
            layer_version_name=names.layer(customer.name),
            description="What the functions import",
            code=lambda_.Code.from_asset(str(content)),
            compatible_runtimes=[lambda_.Runtime.PYTHON_3_13],
            compatible_architectures=[ARCHITECTURES[customer.architecture]],
            removal_policy=RemovalPolicy.DESTROY,
        )

"""What the functions import: the layers that they all share."""

from __future__ import annotations

from pathlib import Path

from aws_cdk import RemovalPolicy
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra import names
from infra.customer import Customer
from infra.functions import ARCHITECTURES
from infra.layer import build, stage_package


class Runtime(Construct):
    """Our package, and, but on the laptop, every dependency."""

    def __init__(self, scope: Construct, id: str, *, customer: Customer, staging: Path) -> None:
        super().__init__(scope, id)
        self._customer = customer
        self.layers = [self._layer("Package", stage_package(staging / "layer"))]
        if customer.layer == "full":
            self.layers.append(self._layer("Dependencies", build(customer.architecture)))

    def _layer(self, id: str, content: Path) -> lambda_.LayerVersion:
        return lambda_.LayerVersion(
            self,
            id,
            layer_version_name=names.layer(self._customer.name, id.lower()),
            code=lambda_.Code.from_asset(str(content)),
            compatible_runtimes=[lambda_.Runtime.PYTHON_3_13],
            compatible_architectures=[ARCHITECTURES[self._customer.architecture]],
            removal_policy=RemovalPolicy.DESTROY,
        )

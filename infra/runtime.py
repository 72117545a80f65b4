"""What the functions import: our package for all, and layers of dependencies by need."""

from __future__ import annotations

from pathlib import Path

from aws_cdk import RemovalPolicy
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra import names
from infra.customer import Customer
from infra.functions import ARCHITECTURES
from infra.layers.build import build
from infra.layers.package import stage_package
from infra.layers.target import Target
from smyth.platform.routes import FUNCTIONS, Function


class Runtime(Construct):
    """Our package, and, but on the laptop, every dependency."""

    def __init__(self, scope: Construct, id: str, *, customer: Customer, staging: Path) -> None:
        super().__init__(scope, id)
        self._customer = customer
        full = customer.layer == "full"
        self._package = self._layer("Package", stage_package(staging / "layer", compiled=full))
        target = Target(customer.architecture)
        carried = sorted({name for function in FUNCTIONS for name in function.layers}) if full else []
        self._dependencies = {name: self._layer(name.title(), build(name, target)) for name in carried}

    def layers_for(self, function: Function) -> list[lambda_.ILayerVersion]:
        """The layers that a function carries; the route table says which. On the laptop only our package."""
        return [self._package, *(self._dependencies[name] for name in function.layers if name in self._dependencies)]

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

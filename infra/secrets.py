"""The operator's key, made by AWS and known to nobody until it is read, and the place for keys of Stripe."""

from __future__ import annotations

import string

from aws_cdk import RemovalPolicy
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra import names
from infra.customer import Customer


class Secrets(Construct):
    """Secrets Manager."""

    def __init__(self, scope: Construct, id: str, *, customer: Customer, key: kms.IKey | None) -> None:
        super().__init__(scope, id)
        self.operator_key = secretsmanager.Secret(
            self,
            "OperatorKey",
            secret_name=names.operator_secret(customer.name),
            description="The operator's API key; whoever has it makes tenants and keys.",
            encryption_key=key,
            generate_secret_string=secretsmanager.SecretStringGenerator(
                password_length=48,
                exclude_punctuation=True,
                # The same again for an emulator that reads only this; the key travels in a header.
                exclude_characters=string.punctuation,
            ),
            removal_policy=RemovalPolicy.DESTROY,
        )
        #: What is in it at first is no key; whoever runs the stack writes Stripe's in.
        self.stripe: secretsmanager.Secret | None = None
        if customer.billing.stripe:
            self.stripe = secretsmanager.Secret(
                self,
                "Stripe",
                secret_name=names.stripe_secret(customer.name),
                description='Stripe: {"api_key": "sk_...", "webhook_secret": "whsec_..."}',
                encryption_key=key,
                removal_policy=RemovalPolicy.DESTROY,
            )

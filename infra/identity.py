"""Who signs in: a user pool for people, and app clients for machines, where a customer wants them."""

from __future__ import annotations

from typing import Any

from aws_cdk import Aws, CfnOutput, RemovalPolicy
from aws_cdk import aws_cognito as cognito
from constructs import Construct

from infra import names
from infra.customer import Customer, Identity
from smyth.platform.access import ROLES

#: Scopes are roles behind this name; smyth/connectors/identity/issuers.py knows them by it.
RESOURCE_SERVER = "smyth"


class SignIn(Construct):
    """Cognito. Its tokens are taken by the authorizer as those of any other issuer are."""

    def __init__(self, scope: Construct, id: str, *, customer: Customer, settings: Identity) -> None:
        super().__init__(scope, id)
        self._customer = customer
        self.pool = self._pool(settings, keep=customer.data.keep)
        clients = {"people": self._people(settings)}
        if settings.callback_urls or settings.machines:
            self._domain()
        if settings.machines:
            server = self._resource_server()
            for name in settings.machines:
                clients[name] = self._machine(name, server)
        #: What the authorizer's setting of issuers holds of this pool.
        self.issuer: dict[str, Any] = {
            "issuer": f"https://cognito-idp.{Aws.REGION}.{Aws.URL_SUFFIX}/{self.pool.ref}",
            "audience": [client.ref for client in clients.values()],
            "groups_claim": "cognito:groups",
        }
        _output(self, "UserPoolId", self.pool.ref)
        _output(self, "SignInClients", self.pool.stack.to_json_string({name: one.ref for name, one in clients.items()}))

    def _pool(self, settings: Identity, *, keep: bool) -> cognito.CfnUserPool:
        pool = cognito.CfnUserPool(
            self,
            "Pool",
            user_pool_name=names.stack(self._customer.name),
            # The tier with all that is used here; the others cost more per person.
            user_pool_tier="LITE",
            username_attributes=["email"],
            username_configuration=cognito.CfnUserPool.UsernameConfigurationProperty(case_sensitive=False),
            # Invitations are for an address, so it must be proven.
            auto_verified_attributes=["email"],
            account_recovery_setting=cognito.CfnUserPool.AccountRecoverySettingProperty(
                recovery_mechanisms=[cognito.CfnUserPool.RecoveryOptionProperty(name="verified_email", priority=1)]
            ),
            admin_create_user_config=cognito.CfnUserPool.AdminCreateUserConfigProperty(
                allow_admin_create_user_only=not settings.sign_up
            ),
            policies=cognito.CfnUserPool.PoliciesProperty(
                password_policy=cognito.CfnUserPool.PasswordPolicyProperty(
                    minimum_length=12,
                    require_lowercase=True,
                    require_uppercase=True,
                    require_numbers=True,
                    require_symbols=True,
                    temporary_password_validity_days=7,
                )
            ),
            mfa_configuration="ON" if settings.second_factor else "OPTIONAL",
            enabled_mfas=["SOFTWARE_TOKEN_MFA"],
            deletion_protection="ACTIVE" if keep else "INACTIVE",
        )
        pool.apply_removal_policy(RemovalPolicy.RETAIN if keep else RemovalPolicy.DESTROY)
        return pool

    def _people(self, settings: Identity) -> cognito.CfnUserPoolClient:
        by_browser: dict[str, Any] = {}
        if settings.callback_urls:
            by_browser = {
                "callback_ur_ls": settings.callback_urls,
                "allowed_o_auth_flows": ["code"],
                "allowed_o_auth_flows_user_pool_client": True,
                "allowed_o_auth_scopes": ["openid", "email"],
                "supported_identity_providers": ["COGNITO"],
            }
        return cognito.CfnUserPoolClient(
            self,
            "People",
            user_pool_id=self.pool.ref,
            client_name=f"{names.stack(self._customer.name)}-people",
            # Pages and command lines cannot keep a secret.
            generate_secret=False,
            explicit_auth_flows=["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
            prevent_user_existence_errors="ENABLED",
            enable_token_revocation=True,
            **by_browser,
        )

    def _domain(self) -> None:
        """Where people sign in by browser, and machines fetch tokens. One namespace for a region, hence the account."""
        account = self._customer.account or Aws.ACCOUNT_ID
        domain = cognito.CfnUserPoolDomain(
            self, "Domain", domain=f"{names.stack(self._customer.name)}-{account}", user_pool_id=self.pool.ref
        )
        _output(self, "TokenUrl", f"https://{domain.ref}.auth.{Aws.REGION}.amazoncognito.com/oauth2/token")

    def _resource_server(self) -> cognito.CfnUserPoolResourceServer:
        return cognito.CfnUserPoolResourceServer(
            self,
            "Roles",
            user_pool_id=self.pool.ref,
            identifier=RESOURCE_SERVER,
            name=names.stack(self._customer.name),
            scopes=[
                cognito.CfnUserPoolResourceServer.ResourceServerScopeTypeProperty(
                    scope_name=role, scope_description=f"At most what the role {role} may do"
                )
                for role in ROLES
            ],
        )

    def _machine(self, name: str, server: cognito.CfnUserPoolResourceServer) -> cognito.CfnUserPoolClient:
        client = cognito.CfnUserPoolClient(
            self,
            f"Machine-{name}",
            user_pool_id=self.pool.ref,
            client_name=f"{names.stack(self._customer.name)}-{name}",
            generate_secret=True,
            allowed_o_auth_flows=["client_credentials"],
            allowed_o_auth_flows_user_pool_client=True,
            allowed_o_auth_scopes=[f"{RESOURCE_SERVER}/{role}" for role in ROLES],
            prevent_user_existence_errors="ENABLED",
            enable_token_revocation=True,
        )
        client.node.add_dependency(server)
        return client


def _output(scope: Construct, name: str, value: str) -> None:
    CfnOutput(scope, name, value=value).override_logical_id(name)

"""The one bucket: documents, files, vectors."""

from __future__ import annotations

from aws_cdk import Aws, Duration, RemovalPolicy
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra import names
from infra.customer import Customer

#: All that belongs to a tenant lies under ``t/<tenant>/``.
TENANTS = "t/"
#: The ledger's entries as files, by day.
LEDGER = "ledger/"
#: The tag that tells after how many days an object is to go, and the numbers it may tell.
EXPIRES_TAG = "expires-days"
EXPIRES_DAYS = (1, 3, 7, 14, 30, 91, 181, 366)


class Storage(Construct):
    """S3, versioned, private, reached by TLS only; tells EventBridge of new objects."""

    def __init__(self, scope: Construct, id: str, *, customer: Customer, key: kms.IKey | None) -> None:
        super().__init__(scope, id)
        keep = customer.data.keep
        self.bucket = s3.Bucket(
            self,
            "Bucket",
            bucket_name=names.bucket(customer.name, customer.account or Aws.ACCOUNT_ID, customer.region),
            versioned=True,
            encryption=s3.BucketEncryption.KMS if key else s3.BucketEncryption.S3_MANAGED,
            encryption_key=key,
            # One data key for many objects: else every read and write asks, and pays, KMS.
            bucket_key_enabled=True if key else None,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            removal_policy=RemovalPolicy.RETAIN if keep else RemovalPolicy.DESTROY,
            lifecycle_rules=[
                s3.LifecycleRule(id="uploads-never-finished", abort_incomplete_multipart_upload_after=Duration.days(2)),
                s3.LifecycleRule(
                    id="versions-replaced",
                    noncurrent_version_expiration=Duration.days(30),
                    noncurrent_versions_to_retain=3,
                ),
                *(
                    s3.LifecycleRule(
                        id=f"expires-after-{days}-days",
                        tag_filters={EXPIRES_TAG: str(days)},
                        expiration=Duration.days(days),
                        noncurrent_version_expiration=Duration.days(1),
                    )
                    for days in EXPIRES_DAYS
                ),
            ],
        )
        # By the bucket's own switch: the construct's helper would bring a custom resource and its function.
        bucket = self.bucket.node.default_child
        assert isinstance(bucket, s3.CfnBucket)
        bucket.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
            event_bridge_configuration=s3.CfnBucket.EventBridgeConfigurationProperty(event_bridge_enabled=True)
        )

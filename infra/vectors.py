"""Where vectors are kept, if not in the bucket: Amazon OpenSearch Serverless or Amazon S3 Vectors."""

from __future__ import annotations

from aws_cdk import Aws, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_opensearchserverless as opensearch
from aws_cdk import aws_s3vectors as s3vectors
from constructs import Construct

from infra import names
from infra.customer import Customer

#: What functions do with S3 Vectors, with the bucket and with its indexes.
_S3_VECTORS = (
    "s3vectors:CreateIndex",
    "s3vectors:DeleteIndex",
    "s3vectors:DeleteVectors",
    "s3vectors:GetIndex",
    "s3vectors:GetVectors",
    "s3vectors:ListIndexes",
    "s3vectors:ListTagsForResource",
    "s3vectors:ListVectors",
    "s3vectors:PutVectors",
    "s3vectors:QueryVectors",
    "s3vectors:TagResource",
)
#: What OpenSearch's own policy lets functions do with indexes; making and deleting is for namespaces.
_OPENSEARCH = (
    "aoss:CreateIndex",
    "aoss:DeleteIndex",
    "aoss:DescribeIndex",
    "aoss:ReadDocument",
    "aoss:UpdateIndex",
    "aoss:WriteDocument",
)


class Vectors(Construct):
    """The place of vectors that the customer chose; nothing at all where that is the bucket."""

    def __init__(self, scope: Construct, id: str, *, customer: Customer, key: kms.IKey | None) -> None:
        super().__init__(scope, id)
        self._customer = customer
        self._name = names.stack(customer.name)
        self._kept = RemovalPolicy.RETAIN if customer.data.keep else RemovalPolicy.DESTROY
        #: What functions are told (``SMYTH_VECTORS``), and what those that search need.
        self.setting = ""
        self.statements: list[iam.PolicyStatement] = []
        match customer.vectors.kind:
            case "opensearch":
                self._collection(key)
            case "s3vectors":
                self._bucket(key)

    def admit(self, roles: list[iam.IRole]) -> None:
        """Let these roles into the collection, which has a policy of its own beside theirs."""
        if self._customer.vectors.kind != "opensearch":
            return
        rules = [{"ResourceType": "index", "Resource": [f"index/{self._name}/*"], "Permission": list(_OPENSEARCH)}]
        opensearch.CfnAccessPolicy(
            self,
            "Access",
            name=self._name,
            type="data",
            policy=self._json([{"Rules": rules, "Principal": [role.role_arn for role in roles]}]),
        )

    def _collection(self, key: kms.IKey | None) -> None:
        """A collection of the generation that sleeps, and costs nothing, when nobody has asked for ten minutes."""
        settings = self._customer.vectors
        group = opensearch.CfnCollectionGroup(
            self,
            "Group",
            name=self._name,
            generation="NEXTGEN",
            standby_replicas="ENABLED",
            capacity_limits=opensearch.CfnCollectionGroup.CapacityLimitsProperty(
                min_indexing_capacity_in_ocu=0,
                min_search_capacity_in_ocu=0,
                max_indexing_capacity_in_ocu=settings.max_ocu,
                max_search_capacity_in_ocu=settings.max_ocu,
            ),
        )
        # Reached from anywhere, but by signed requests of the roles of the access policy only.
        reached = [{"ResourceType": "collection", "Resource": [f"collection/{self._name}"]}]
        network = opensearch.CfnSecurityPolicy(
            self,
            "Network",
            name=self._name,
            type="network",
            policy=self._json([{"Rules": reached, "AllowFromPublic": True}]),
        )
        collection = opensearch.CfnCollection(
            self,
            "Collection",
            name=self._name,
            type="VECTORSEARCH",
            collection_group_name=self._name,
            standby_replicas="ENABLED",
            deletion_protection="ENABLED" if self._customer.data.keep else "DISABLED",
            encryption_config=opensearch.CfnCollection.EncryptionConfigProperty(
                kms_key_arn=key.key_arn if key else None, aws_owned_key=None if key else True
            ),
        )
        collection.add_resource_dependency(group)
        collection.add_resource_dependency(network)
        collection.apply_removal_policy(self._kept)
        self.setting = self._json(
            {
                "kind": "opensearch",
                "endpoint": collection.attr_collection_endpoint,
                "service": "aoss",
                "wait_s": settings.wait_seconds,
            }
        )
        self.statements = [iam.PolicyStatement(actions=["aoss:APIAccessAll"], resources=[collection.attr_arn])]

    def _bucket(self, key: kms.IKey | None) -> None:
        name = names.vector_bucket(self._customer.name, self._customer.account or Aws.ACCOUNT_ID, self._customer.region)
        bucket = s3vectors.CfnVectorBucket(
            self,
            "Bucket",
            vector_bucket_name=name,
            encryption_configuration=s3vectors.CfnVectorBucket.EncryptionConfigurationProperty(
                sse_type="aws:kms" if key else "AES256", kms_key_arn=key.key_arn if key else None
            ),
        )
        bucket.apply_removal_policy(self._kept)
        self.setting = self._json({"kind": "s3vectors", "bucket": name})
        arn = bucket.attr_vector_bucket_arn
        self.statements = [iam.PolicyStatement(actions=list(_S3_VECTORS), resources=[arn, f"{arn}/index/*"])]

    def _json(self, said: object) -> str:
        """As JSON, with what is known only at deployment filled in then."""
        return Stack.of(self).to_json_string(said)

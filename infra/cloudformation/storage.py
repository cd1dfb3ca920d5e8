"""S3 buckets and DynamoDB tables, shared by all services."""

from collections.abc import Mapping
from itertools import chain
from typing import Any

from infra.cloudformation import cfn, encryption
from infra.cloudformation.cfn import Json
from infra.config.definitions import Definition
from infra.config.stages import Stage

BUCKETS = ("uploads", "processed")
TABLES = {"records": "item", "ledger": "claim"}  # the sort keys; the partition key is `image`

METHODS = {"uploads": ("POST", "PUT"), "processed": ("GET", "HEAD")}  # that CORS allows
LOCAL_ONLY = "processed"  # CORS; on AWS, links go through the page's distribution

# A sparse index: only index entries have these attributes.
INDEXES = {"records": {"search-index": ("partition", "at")}}

PRIVATE = dict.fromkeys(
    ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), True
)


def bucket_name(stage: Stage, kind: str) -> Any:
    """A bucket's name, for the template."""
    name = stage.bucket(kind, "${AWS::AccountId}")
    return name if stage.local else cfn.sub(name)


def bucket_arn(stage: Stage, kind: str, keys: str = "") -> Json:
    """A bucket's ARN, or that of some of its keys ("/renditions/*"), built from its name.

    It is built from the name: a reference would be circular, because the bucket depends on the
    queue policy that names it.
    """
    name = stage.bucket(kind, "${AWS::AccountId}")
    return cfn.sub(f"arn:${{AWS::Partition}}:s3:::{name}{keys}")


def page_origin(stage: Stage) -> Any:
    """The page's origin, or None without a page. On an emulator it is the emulator's endpoint."""
    if stage.local:
        return cfn.ref("PublicEndpoint")
    if not stage.has_page:
        return None
    return cfn.sub_if_needed(f"https://{page_host(stage)}")


def page_host(stage: Stage) -> str:
    """The page's host on AWS, as text for Fn::Sub: the stage's domain, or CloudFront's."""
    return stage.domain or "${PageDistribution.DomainName}"


def buckets(definitions: tuple[Definition, ...], stage: Stage) -> Json:
    """The two buckets, private and encrypted; on AWS they require TLS."""
    created = {"UploadsBucket": uploads(definitions, stage), "ProcessedBucket": processed(stage)}
    if stage.local:  # the emulators speak plain HTTP
        return created
    return created | {
        f"{kind.capitalize()}BucketPolicy": _bucket_policy(stage, kind) for kind in BUCKETS
    }


def uploads(definitions: tuple[Definition, ...], stage: Stage) -> Json:
    """The bucket of the originals. It is versioned: a step reads the version that was announced."""
    notified = [definition.name for definition in definitions if definition.uploads]
    retention = stage.retention
    rules = [
        _unfinished(stage),
        _rule(
            "old-versions",
            NoncurrentVersionExpiration={"NoncurrentDays": retention.older_versions},
            ExpiredObjectDeleteMarker=True,
        ),
        # Expiration adds a delete marker; then the old version expires like any other.
        *_expiry("originals", "", retention.originals),
    ]
    properties = _bucket(stage, "uploads", rules) | {
        "VersioningConfiguration": {"Status": "Enabled"},
        "NotificationConfiguration": {
            "QueueConfigurations": [_notification(name) for name in notified]
        },
    }
    # S3 sends a test message at once, and the queue rejects it without its policy.
    policies = [cfn.logical(name, "QueuePolicy") for name in notified]
    return cfn.resource("S3::Bucket", properties, DependsOn=policies, **deletion_policies(stage))


def processed(stage: Stage) -> Json:
    """The bucket of renditions, analyses, results and raw dead letters."""
    retention = stage.retention
    rules = [
        _unfinished(stage),
        *_expiry("dead-letters", "dead-letters/", retention.dead_letters),
        *_expiry("renditions", "renditions/", retention.renditions),
        *_expiry("analyses", "analyses/", retention.analyses),
        *_expiry("reuse", "reuse/", retention.analyses),
    ]
    return cfn.resource(
        "S3::Bucket", _bucket(stage, "processed", rules), **deletion_policies(stage)
    )


def tables(stage: Stage) -> Json:
    """The tables `records` (records, index entries, timelines) and `ledger` (claims)."""
    return {
        f"{kind.capitalize()}Table": cfn.resource(
            "DynamoDB::Table", _table(stage, kind, sort), **deletion_policies(stage)
        )
        for kind, sort in TABLES.items()
    }


def deletion_policies(stage: Stage) -> Json:
    """The deletion policies of data. With `retain`, data outlives a stack that was created."""
    if stage.retain:
        return {"DeletionPolicy": "RetainExceptOnCreate", "UpdateReplacePolicy": "Retain"}
    return {"DeletionPolicy": "Delete", "UpdateReplacePolicy": "Delete"}


def _bucket(stage: Stage, kind: str, rules: list[Json]) -> Json:
    return {
        "BucketName": bucket_name(stage, kind),
        "PublicAccessBlockConfiguration": PRIVATE,
        "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
        "BucketEncryption": {"ServerSideEncryptionConfiguration": [encryption.of_bucket(stage)]},
        "LifecycleConfiguration": {"Rules": rules},
        **_cors(stage, kind),
    }


def _cors(stage: Stage, kind: str) -> Json:
    """CORS: only the page may use presigned URLs from a browser."""
    origin = page_origin(stage)
    if not origin or (kind == LOCAL_ONLY and not stage.local):
        return {}
    rule = {
        "AllowedOrigins": [origin],
        "AllowedMethods": list(METHODS[kind]),
        "AllowedHeaders": ["*"],
        "ExposedHeaders": ["ETag"],
        "MaxAge": 3000,
    }
    return {"CorsConfiguration": {"CorsRules": [rule]}}


def _rule(name: str, **actions: Any) -> Json:
    return {"Id": name, "Status": "Enabled", **actions}


def _expiry(name: str, prefix: str, days: int | None) -> list[Json]:
    """The lifecycle rule that expires objects below `prefix` after so many days; none for None."""
    if days is None:
        return []
    scope = {"Prefix": prefix} if prefix else {}
    return [_rule(name, **scope, ExpirationInDays=days)]


def _unfinished(stage: Stage) -> Json:
    days = {"DaysAfterInitiation": stage.retention.unfinished_uploads}
    return _rule("unfinished-uploads", AbortIncompleteMultipartUpload=days)


def _notification(service: str) -> Json:
    return {"Event": "s3:ObjectCreated:*", "Queue": cfn.att(cfn.logical(service, "Queue"))}


def _bucket_policy(stage: Stage, kind: str) -> Json:
    everything = [bucket_arn(stage, kind), bucket_arn(stage, kind, "/*")]
    properties = {
        "Bucket": cfn.ref(f"{kind.capitalize()}Bucket"),
        "PolicyDocument": cfn.policy(encryption.tls_only(["s3:*"], everything)),
    }
    return cfn.resource("S3::BucketPolicy", properties)


def _table(stage: Stage, kind: str, sort: str) -> Json:
    indexes = INDEXES.get(kind, {})
    attributes = sorted({"image", sort, *chain.from_iterable(indexes.values())})
    return {
        "TableName": stage.called(kind),
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [
            {"AttributeName": key, "AttributeType": "S"} for key in attributes
        ],
        "KeySchema": _keys("image", sort),
        **_indexed(indexes),
        **encryption.of_table(stage),
        "TimeToLiveSpecification": {"AttributeName": "expires", "Enabled": True},
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": stage.recovery},
    }


def _indexed(indexes: Mapping[str, tuple[str, str]]) -> Json:
    created = [_index(name, *keys) for name, keys in indexes.items()]
    return {"GlobalSecondaryIndexes": created} if created else {}


def _index(name: str, partition: str, sort: str) -> Json:
    """An index with all attributes, so that one query reads a whole page of results."""
    return {
        "IndexName": name,
        "KeySchema": _keys(partition, sort),
        "Projection": {"ProjectionType": "ALL"},
    }


def _keys(partition: str, sort: str) -> list[Json]:
    return [
        {"AttributeName": partition, "KeyType": "HASH"},
        {"AttributeName": sort, "KeyType": "RANGE"},
    ]

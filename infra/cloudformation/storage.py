"""S3 buckets and DynamoDB tables, shared by all services."""

from collections.abc import Mapping
from itertools import chain
from typing import Any

from infra.cloudformation import cfn, encryption
from infra.cloudformation.cfn import Json
from infra.config.definitions import Definition
from infra.config.stages import Stage

BUCKETS = ("uploads", "processed")
TABLES = {"records": "item", "ledger": "claim"}  # and their sort keys; the hash key is `image`

METHODS = {"uploads": ("POST", "PUT"), "processed": ("GET", "HEAD")}  # of a browser
LOCAL_ONLY = "processed"  # on AWS, links lead through the page's own distribution

# Only entries of the search index have these attributes, so it holds nothing else.
INDEXES = {"records": {"search-index": ("partition", "at")}}

PRIVATE = dict.fromkeys(
    ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), True
)


def bucket_name(stage: Stage, kind: str) -> Any:
    """A bucket's name, as the template says it."""
    name = stage.bucket(kind, "${AWS::AccountId}")
    return name if stage.local else cfn.sub(name)


def bucket_arn(stage: Stage, kind: str, keys: str = "") -> Json:
    """A bucket's ARN, or that of some of its keys ("/renditions/*"), built from its name.

    Built, not asked for: the bucket waits for the queue policy that has to name it.
    """
    name = stage.bucket(kind, "${AWS::AccountId}")
    return cfn.sub(f"arn:${{AWS::Partition}}:s3:::{name}{keys}")


def page_origin(stage: Stage) -> Any:
    """The page's origin; None where there is no page. On an emulator, that serves the page too."""
    if stage.local:
        return cfn.ref("PublicEndpoint")
    if not stage.has_page:
        return None
    return cfn.filled(f"https://{page_host(stage)}")


def page_host(stage: Stage) -> str:
    """The page's host on AWS, as text for Fn::Sub: its own domain's, or CloudFront's."""
    return stage.domain or "${PageDistribution.DomainName}"


def buckets(definitions: tuple[Definition, ...], stage: Stage) -> Json:
    """The two buckets, private and encrypted; on AWS they speak TLS only."""
    found = {"UploadsBucket": uploads(definitions, stage), "ProcessedBucket": processed(stage)}
    if stage.local:  # the emulators speak plain HTTP
        return found
    return found | {
        f"{kind.capitalize()}BucketPolicy": _bucket_policy(stage, kind) for kind in BUCKETS
    }


def uploads(definitions: tuple[Definition, ...], stage: Stage) -> Json:
    """Where originals land, in versions, so that what was announced can be read again."""
    notified = [definition.name for definition in definitions if definition.uploads]
    stays = stage.retention
    rules = [
        _unfinished(stage),
        _rule(
            "old-versions",
            NoncurrentVersionExpiration={"NoncurrentDays": stays.older_versions},
            ExpiredObjectDeleteMarker=True,
        ),
        # In versions, an expired original is only hidden, and then goes as an older one does.
        *_expiry("originals", "", stays.originals),
    ]
    properties = _bucket(stage, "uploads", rules) | {
        "VersioningConfiguration": {"Status": "Enabled"},
        "NotificationConfiguration": {
            "QueueConfigurations": [_notification(name) for name in notified]
        },
    }
    # S3 sends a test message at once, which the queue refuses until it has its policy.
    policies = [cfn.logical(name, "QueuePolicy") for name in notified]
    return cfn.resource("S3::Bucket", properties, DependsOn=policies, **kept(stage))


def processed(stage: Stage) -> Json:
    """What Darkroom makes: renditions, analyses, results, and the raw dead letters."""
    stays = stage.retention
    rules = [
        _unfinished(stage),
        *_expiry("dead-letters", "dead-letters/", stays.dead_letters),
        *_expiry("renditions", "renditions/", stays.renditions),
        *_expiry("analyses", "analyses/", stays.analyses),
        *_expiry("reuse", "reuse/", stays.analyses),
    ]
    return cfn.resource("S3::Bucket", _bucket(stage, "processed", rules), **kept(stage))


def tables(stage: Stage) -> Json:
    """`records`, the truth about each image, and `ledger`, who works on what."""
    return {
        f"{kind.capitalize()}Table": cfn.resource(
            "DynamoDB::Table", _table(stage, kind, sort), **kept(stage)
        )
        for kind, sort in TABLES.items()
    }


def kept(stage: Stage) -> Json:
    """What becomes of data when its stack goes: prod keeps it, unless the stack never came up."""
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
    """Let the page, and no other, use presigned URLs from a browser."""
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


def _rule(name: str, **what: Any) -> Json:
    return {"Id": name, "Status": "Enabled", **what}


def _expiry(name: str, prefix: str, days: int | None) -> list[Json]:
    """The rule by which what stands below `prefix` goes after so many days; none for None."""
    if days is None:
        return []
    where = {"Prefix": prefix} if prefix else {}
    return [_rule(name, **where, ExpirationInDays=days)]


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
    named = sorted({"image", sort, *chain.from_iterable(indexes.values())})
    return {
        "TableName": stage.called(kind),
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": key, "AttributeType": "S"} for key in named],
        "KeySchema": _keys("image", sort),
        **_indexed(indexes),
        **encryption.of_table(stage),
        "TimeToLiveSpecification": {"AttributeName": "expires", "Enabled": True},
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": stage.recovery},
    }


def _indexed(indexes: Mapping[str, tuple[str, str]]) -> Json:
    found = [_index(name, *keys) for name, keys in indexes.items()]
    return {"GlobalSecondaryIndexes": found} if found else {}


def _index(name: str, hashed: str, sort: str) -> Json:
    """With all that an item says: a page of a list is one query, and reads nothing else."""
    return {
        "IndexName": name,
        "KeySchema": _keys(hashed, sort),
        "Projection": {"ProjectionType": "ALL"},
    }


def _keys(hashed: str, sort: str) -> list[Json]:
    return [
        {"AttributeName": hashed, "KeyType": "HASH"},
        {"AttributeName": sort, "KeyType": "RANGE"},
    ]

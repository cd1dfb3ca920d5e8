"""The artifacts bucket of a stage: the functions' zips and the template."""

import hashlib
import json
from typing import Any

from botocore.exceptions import ClientError

from infra.clients import Clients
from infra.cloudformation import storage
from infra.cloudformation.cfn import Json
from infra.config.stages import Stage
from infra.errors import InfraError
from infra.packaging.package import Zip
from infra.terminal import Say


class Artifacts:
    """A stage's artifacts. Their keys contain a hash of their content: none is uploaded twice."""

    def __init__(self, clients: Clients, stage: Stage, account: str) -> None:
        self.bucket = stage.bucket("artifacts", account)
        self._unfinished = stage.retention.unfinished_uploads
        self._clients = clients
        self._s3 = clients.client("s3")

    def ensure(self) -> None:
        """Create the private bucket unless it exists."""
        try:
            self._s3.head_bucket(Bucket=self.bucket)
        except ClientError as error:
            if not is_missing(error):
                raise
            self._create()

    def put_zip(self, service: str, package: Zip, say: Say) -> str:
        """Upload a service's zip unless it exists; returns its key."""
        key = f"lambda/{service}/{package.sha256}.zip"
        if not self._has(key):
            say(f"uploading {service} ({package.path.stat().st_size / 1e6:.1f} MB)")
            self._s3.upload_file(str(package.path), self.bucket, key)
        return key

    def put_template(self, template: Json) -> str:
        """Upload the template unless it exists; returns its URL for CloudFormation.

        CloudFormation limits a template in the request body to 51,200 bytes.
        """
        body = json.dumps(template, separators=(",", ":")).encode()
        key = f"template/{hashlib.sha256(body).hexdigest()}.json"
        if not self._has(key):
            self._s3.put_object(Bucket=self.bucket, Key=key, Body=body)
        local = self._clients.endpoint_url
        host = f"{local}/{self.bucket}" if local else self._host()
        return f"{host}/{key}"

    def delete(self) -> bool:
        """Delete the bucket with its content; False if it does not exist."""
        if not empty(self._s3, self.bucket):
            return False
        self._s3.delete_bucket(Bucket=self.bucket)
        return True

    def _create(self) -> None:
        region = self._clients.region
        # us-east-1 is S3's default, and S3 rejects it as a LocationConstraint.
        location = {} if region == "us-east-1" else {"LocationConstraint": region}
        configuration = {"CreateBucketConfiguration": location} if location else {}
        self._s3.create_bucket(Bucket=self.bucket, **configuration)
        self._s3.put_public_access_block(
            Bucket=self.bucket, PublicAccessBlockConfiguration=storage.PRIVATE
        )
        # Delete the parts of a zip whose upload was interrupted.
        rule = {
            "ID": "unfinished-uploads",
            "Status": "Enabled",
            "Filter": {"Prefix": ""},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": self._unfinished},
        }
        self._s3.put_bucket_lifecycle_configuration(
            Bucket=self.bucket, LifecycleConfiguration={"Rules": [rule]}
        )

    def _has(self, key: str) -> bool:
        try:
            self._s3.head_object(Bucket=self.bucket, Key=key)
        except ClientError as error:
            if is_missing(error):
                return False
            raise
        return True

    def _host(self) -> str:
        return f"https://{self.bucket}.s3.{self._clients.region}.amazonaws.com"


def empty(s3: Any, bucket: str) -> bool:
    """Delete every version of every object; False if the bucket does not exist."""
    try:
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
            _delete(s3, bucket, page)
    except ClientError as error:
        if is_missing(error):
            return False
        raise
    return True


def is_missing(error: ClientError) -> bool:
    """Whether S3 reports a missing bucket or key (for a HEAD, the code is the HTTP status)."""
    return error.response["Error"]["Code"] in {"404", "NoSuchBucket", "NoSuchKey"}


def _delete(s3: Any, bucket: str, page: dict[str, Any]) -> None:
    versions = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
    objects = [{"Key": item["Key"], "VersionId": item["VersionId"]} for item in versions]
    if not objects:
        return
    # A page has at most 1,000 versions, which is S3's limit for one request.
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
    if errors := answer.get("Errors"):
        first = errors[0]
        raise InfraError(f"s3://{bucket}/{first['Key']} was not deleted: {first['Message']}")

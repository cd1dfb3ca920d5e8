"""The bucket that deployments come from: the functions' zips and the template."""

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
    """A stage's artifacts, named after their content: what is there is not sent again."""

    def __init__(self, clients: Clients, stage: Stage, account: str) -> None:
        self.bucket = stage.bucket("artifacts", account)
        self._unfinished = stage.retention.unfinished_uploads
        self._clients = clients
        self._s3 = clients.client("s3")

    def ensure(self) -> None:
        """Make the bucket, private, unless it is there."""
        try:
            self._s3.head_bucket(Bucket=self.bucket)
        except ClientError as error:
            if not is_missing(error):
                raise
            self._create()

    def keep(self, service: str, package: Zip, say: Say) -> str:
        """Upload a service's zip unless it is there; its key."""
        key = f"lambda/{service}/{package.sha256}.zip"
        if not self._has(key):
            say(f"uploading {service} ({package.path.stat().st_size / 1e6:.1f} MB)")
            self._s3.upload_file(str(package.path), self.bucket, key)
        return key

    def keep_template(self, template: Json) -> str:
        """Upload the template unless it is there; the URL by which CloudFormation reads it.

        By URL, because a template passed in the call may have 51,200 bytes and no more.
        """
        body = json.dumps(template, separators=(",", ":")).encode()
        key = f"template/{hashlib.sha256(body).hexdigest()}.json"
        if not self._has(key):
            self._s3.put_object(Bucket=self.bucket, Key=key, Body=body)
        local = self._clients.endpoint_url
        host = f"{local}/{self.bucket}" if local else self._host()
        return f"{host}/{key}"

    def delete(self) -> bool:
        """Delete the bucket and all that is in it; False when it was not there."""
        if not empty(self._s3, self.bucket):
            return False
        self._s3.delete_bucket(Bucket=self.bucket)
        return True

    def _create(self) -> None:
        region = self._clients.region
        # us-east-1 is what S3 takes when no place is said, and refuses to be told.
        place = {} if region == "us-east-1" else {"LocationConstraint": region}
        configuration = {"CreateBucketConfiguration": place} if place else {}
        self._s3.create_bucket(Bucket=self.bucket, **configuration)
        self._s3.put_public_access_block(
            Bucket=self.bucket, PublicAccessBlockConfiguration=storage.PRIVATE
        )
        # What a deployment that was killed has sent of a zip goes.
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
    """Delete every version of every object; False when there is no such bucket."""
    try:
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
            _delete(s3, bucket, page)
    except ClientError as error:
        if is_missing(error):
            return False
        raise
    return True


def is_missing(error: ClientError) -> bool:
    """Whether S3 says that there is no such bucket or key (a HEAD has the status for a code)."""
    return error.response["Error"]["Code"] in {"404", "NoSuchBucket", "NoSuchKey"}


def _delete(s3: Any, bucket: str, page: dict[str, Any]) -> None:
    found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
    objects = [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in found]
    if not objects:
        return
    # A page has 1,000 versions at most, which is as many as S3 deletes at once.
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
    if errors := answer.get("Errors"):
        first = errors[0]
        raise InfraError(f"s3://{bucket}/{first['Key']} was not deleted: {first['Message']}")

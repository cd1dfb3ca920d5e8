"""Presigned URLs: what a browser may send, and where it finds what was made."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

from services.api.models import File, Form, Put


class Signer(Protocol):
    """Everything that is signed holds for some seconds, and for what was signed alone."""

    def form(self, key: str, file: File) -> Form:
        """A form that takes this type, these bytes at most, under this key."""
        ...

    def put(self, key: str, file: File) -> Put:
        """A PUT of exactly this type and length, unless something stands there already."""
        ...

    def link(self, key: str) -> str:
        """A URL from which a processed object can be read."""
        ...


@dataclass(frozen=True)
class S3Signer:
    """Signs by calculation alone, with the function's own rights."""

    client: Any
    uploads: str
    processed: str
    pictures: str | None
    """The origin of links, if it is another than the bucket's; it hands them on to that."""
    upload_expires: int
    link_expires: int

    def form(self, key: str, file: File) -> Form:
        fields = {"Content-Type": file.fileType.value, **_owner(file, "x-amz-meta-owner")}
        signed = self.client.generate_presigned_post(
            self.uploads,
            key,
            Fields=fields,
            Conditions=[
                *({name: value} for name, value in fields.items()),
                ["content-length-range", 1, file.fileSize],
            ],
            ExpiresIn=self.upload_expires,
        )
        return Form(url=signed["url"], fields=signed["fields"])

    def put(self, key: str, file: File) -> Put:
        # Whoever holds the URL may send it twice: S3 itself refuses the second (412).
        url = self.client.generate_presigned_url(
            "put_object",
            Params={
                "Bucket": self.uploads,
                "Key": key,
                "ContentType": file.fileType.value,
                "ContentLength": file.fileSize,
                "IfNoneMatch": "*",
                "Metadata": _owner(file, "owner"),
            },
            ExpiresIn=self.upload_expires,
        )
        headers = {
            "Content-Type": file.fileType.value,
            "If-None-Match": "*",
            **_owner(file, "x-amz-meta-owner"),
        }
        return Put(url=url, headers=headers)

    def link(self, key: str) -> str:
        url: str = self.client.generate_presigned_url(
            "get_object",
            Params={"Bucket": self.processed, "Key": key},
            ExpiresIn=self.link_expires,
        )
        return _through(self.pictures, url) if self.pictures else url


def _through(origin: str, url: str) -> str:
    """The same path and query elsewhere: the host that was signed is said by what hands it on."""
    there = urlsplit(origin)
    return urlsplit(url)._replace(scheme=there.scheme, netloc=there.netloc).geturl()


def _owner(file: File, name: str) -> Mapping[str, str]:
    return {name: file.owner} if file.owner else {}

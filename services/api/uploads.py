"""Presigned requests for uploads, and presigned links to processed objects."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

from services.api.models import File, PostForm, PutRequest


class Signer(Protocol):
    """Presigns requests. A signature expires, and is valid for exactly the request it signs."""

    def form(self, key: str, file: File) -> PostForm:
        """A form that uploads this type, at most this many bytes, to this key."""
        ...

    def put(self, key: str, file: File) -> PutRequest:
        """A PUT of exactly this type and length, which fails if the key exists."""
        ...

    def link(self, key: str) -> str:
        """A URL that reads a processed object."""
        ...


@dataclass(frozen=True)
class S3Signer:
    """Presigns with the function's own credentials, without a request to AWS."""

    client: Any
    uploads: str
    processed: str
    pictures: str | None
    """The origin of links if a distribution forwards them to the bucket; None: the bucket's own."""
    upload_expires: int
    link_expires: int

    def form(self, key: str, file: File) -> PostForm:
        fields = {"Content-Type": file.file_type.value, **_metadata(file, "x-amz-meta-")}
        signed = self.client.generate_presigned_post(
            self.uploads,
            key,
            Fields=fields,
            Conditions=[
                *({name: value} for name, value in fields.items()),
                ["content-length-range", 1, file.file_size],
            ],
            ExpiresIn=self.upload_expires,
        )
        return PostForm(url=signed["url"], fields=signed["fields"])

    def put(self, key: str, file: File) -> PutRequest:
        # S3 refuses a second upload with the same URL (412).
        url = self.client.generate_presigned_url(
            "put_object",
            Params={
                "Bucket": self.uploads,
                "Key": key,
                "ContentType": file.file_type.value,
                "ContentLength": file.file_size,
                "IfNoneMatch": "*",
                "Metadata": _metadata(file),
            },
            ExpiresIn=self.upload_expires,
        )
        headers = {
            "Content-Type": file.file_type.value,
            "If-None-Match": "*",
            **_metadata(file, "x-amz-meta-"),
        }
        return PutRequest(url=url, headers=headers)

    def link(self, key: str) -> str:
        url: str = self.client.generate_presigned_url(
            "get_object",
            Params={"Bucket": self.processed, "Key": key},
            ExpiresIn=self.link_expires,
        )
        return _with_origin(url, self.pictures) if self.pictures else url


def _with_origin(url: str, origin: str) -> str:
    """The same path and query at another origin, which forwards requests with the signed host."""
    target = urlsplit(origin)
    return urlsplit(url)._replace(scheme=target.scheme, netloc=target.netloc).geturl()


def _metadata(file: File, prefix: str = "") -> Mapping[str, str]:
    """The object's metadata that ``resize`` reads, with this prefix before each name."""
    metadata = {f"{prefix}owner": file.owner} if file.owner else {}
    if file.focal:
        metadata[f"{prefix}focal"] = f"{file.focal.x:.4f},{file.focal.y:.4f}"
    return metadata

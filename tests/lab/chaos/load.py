"""Upload the pictures of a scenario; no two are alike."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from random import Random

from infra.clients import Clients
from infra.deploy.outputs import Outputs
from shared.contracts.uploads import image_of
from tests.pictures import encoded, photo

AT_ONCE = 8
"""Parallel uploads."""


@dataclass(frozen=True)
class Upload:
    """One original in the uploads bucket."""

    key: str
    image: str
    version: str
    body: bytes


def picture(n: int, largest: int) -> bytes:
    """The n-th picture, unlike every other. Its width is a quarter of ``largest`` px or more."""
    chance = Random(n)
    width = chance.randint(largest // 4, largest)
    size = width, width * chance.randint(50, 100) // 100
    return encoded(photo(120, 90, n).resize(size), chance.choice(("JPEG", "JPEG", "PNG")))


def upload(outputs: Outputs, clients: Clients, images: int, largest: int) -> list[Upload]:
    """Upload so many pictures, up to ``largest`` px wide, each under its own key."""
    s3, bucket = clients.client("s3"), outputs.buckets["uploads"]
    pictures = [picture(n, largest) for n in range(images)]

    def put(n: int) -> Upload:
        key = f"{outputs.stage}/{n:04}.jpg"
        version = s3.put_object(Bucket=bucket, Key=key, Body=pictures[n])["VersionId"]
        image = image_of(bucket, key, version)
        assert image, "the uploads bucket is versioned"
        return Upload(key, image, version, pictures[n])

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(put, range(images)))

"""A small Darkroom for the page's tests: the API's shape, with pictures, and no stack behind it.

One server gives the page, its config.json, the API below ``/api``, a bucket that takes presigned
posts, and pictures; all with the headers that CloudFront sends on AWS, so that every test also
shows that the page keeps to its Content-Security-Policy. Below ``/pool`` people sign in, where a
test asks for it. What is uploaded moves one hop on with every question, so no clock
decides how a test ends.
"""

import functools
import io
import json
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import Message
from email.parser import BytesParser
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

from PIL import Image

from infra.cloudformation.cloudfront import content_security_policy, headers
from tests.web.pool import Pool
from tests.web.scenes import drawn

KINDS = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
}
NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
WAY = (
    ("resize", "image.uploaded.v1", 0, 61, 240),
    ("analyze", "image.resized.v1", 310, 44, 780),
    ("store", "image.analyzed.v1", 1110, 22, 31),
    ("notify", "image.completed.v1", 1160, 18, 74),
)
"""Service, event, ms after the start, ms waited, ms worked."""
QUARANTINED, FLAGGED = 7, 4
BOXES = {
    "Mountain": [(0.05, 0.3, 0.5, 0.35), (0.5, 0.35, 0.45, 0.3)],
    "Sun": [(0.62, 0.08, 0.16, 0.2)],
    "Cat": [(0.14, 0.02, 0.78, 0.93)],
}
LIMITS = {"bytes": 50_000_000, "pixels": 100_000_000}
HEADERS = headers(content_security_policy(()))
"""All that the page reaches here is at its own origin."""
Json = dict[str, Any]


@dataclass
class Photo:
    """One image and the body it was made from. ``moves``: questions until it has ended."""

    image: str
    name: str
    body: bytes
    at: datetime
    labels: list[tuple[str, float]]
    failure: Json | None = None
    flagged: bool = False
    quarantined: bool = False
    moves: int = 0
    run: int = 0
    deleted: bool = False
    owner: str | None = None

    @property
    def status(self) -> str:
        if self.moves > 0:
            return "working"
        return "failed" if self.failure else "completed"


@dataclass
class World:
    """All there is, and the faults that a test can switch on."""

    photos: list[Photo] = field(default_factory=list)
    down: bool = False
    silent: bool = False
    """Nothing that is uploaded moves on."""
    asked: list[str] = field(default_factory=list)
    pool: Pool | None = None
    """Where people sign in; None where nobody has to."""
    gate: threading.Event = field(default_factory=threading.Event)
    """Lists are held back until it is set."""

    def __post_init__(self) -> None:
        self.gate.set()

    def move(self) -> None:
        """Somebody asked: all that is being worked on is one hop further."""
        for photo in [] if self.silent else self.photos:
            photo.moves = max(0, photo.moves - 1)

    def find(self, image: str) -> Photo | None:
        return next((photo for photo in self.photos if photo.image == image), None)


def peopled(size: int = 60) -> World:
    """A world of drawn scenes, newest first; some failed, one is flagged, one is quarantined."""
    return World([_photo(n) for n in range(size)])


def _photo(n: int) -> Photo:
    wide = ((900, 600), (600, 900), (960, 540), (800, 800))[n % 4]
    seen = [("Mountain", 97.3), ("Sun", 91.0), ("Nature", 88.2)]
    failure = None
    if n % 11 == 5:
        failure = {"stage": "resize", "reason": "truncated", "fault": "upload"}
        failure["detail"] = "The file ends before its picture does."
    return Photo(
        str(uuid.UUID(int=n + 1, version=5)),
        f"scene-{n:02}.jpg",
        drawn(*wide, seed=n),
        NOW - timedelta(hours=7 * n),
        seen[: 1 + n % 3],
        failure,
        flagged=n == FLAGGED,
        quarantined=n == QUARANTINED,
    )


def summary(photo: Photo) -> Json:
    completed = photo.status == "completed"
    width, height = _sides(photo) if completed else (None, None)
    return {
        "image": photo.image,
        "run": photo.run,
        "status": photo.status,
        "at": photo.at.isoformat(),
        "name": photo.name,
        "owner": photo.owner,
        "format": "JPEG" if completed else None,
        "width": width,
        "height": height,
        "labels": [{"name": n, "confidence": c} for n, c in photo.labels] if completed else [],
        "faces": 0 if completed else None,
        "flagged": photo.flagged,
        "quarantined": photo.quarantined,
        "thumbnail": _rendition(photo, "thumbnail", 256) if completed else None,
        "failure": photo.failure if photo.status == "failed" else None,
    }


def detail(photo: Photo) -> Json:
    hidden = photo.status != "completed" or photo.quarantined
    gone = {"run": photo.run, "renditions": ["thumbnail", "web"], "analysis": False}
    sizes = {} if hidden else {"thumbnail": 256, "web": 900}
    names = ["Graphic Violence"] if photo.flagged else []
    return summary(photo) | {
        "source": {"key": f"upload/{photo.image}/{photo.name}", "bytes": len(photo.body)},
        "captured": {"at": "2026-07-04T18:21:00", "camera": "Pentax K1000"},
        "gps_removed": True,
        "analyzer": "local",
        "renditions": [_rendition(photo, name, side) for name, side in sizes.items()],
        "text": ["DARKROOM"],
        "moderation": {"flagged": photo.flagged, "names": names},
        "runs": [
            {
                "run": photo.run,
                "status": photo.status,
                "started": photo.at.isoformat(),
                "ended": None,
            }
        ],
        "timeline": _timeline(photo),
        "compensated": [gone] if photo.failure else [],
        "published": None if hidden else photo.run,
        "etag": "0",
    }


def analysis(photo: Photo) -> Json:
    labels = [
        {
            "Name": name,
            "Confidence": sure,
            "Instances": [
                {"BoundingBox": _box(box), "Confidence": sure} for box in BOXES.get(name, [])
            ],
        }
        for name, sure in photo.labels
    ]
    line = {"Geometry": {"BoundingBox": _box((0.1, 0.84, 0.4, 0.1))}, "Confidence": 95.0}
    face = {"BoundingBox": _box((0.42, 0.4, 0.12, 0.2)), "Confidence": 93.5}
    text = [line | {"DetectedText": "DARKROOM", "Type": kind} for kind in ("LINE", "WORD")]
    return {
        "answers": {
            "labels": {"Labels": labels},
            "faces": {"FaceDetails": [face]},
            "text": {"TextDetections": text},
        }
    }


def _box(sides: tuple[float, float, float, float]) -> Json:
    return dict(zip(("Left", "Top", "Width", "Height"), sides, strict=True))


def _timeline(photo: Photo) -> list[Json]:
    hops = WAY[: len(WAY) - photo.moves] if photo.moves else WAY
    rows = [_hop(photo, hop) for hop in hops]
    if photo.failure and rows:
        rows = [rows[0] | {"state": "given-up", "attempts": 2}]
    return rows


def _hop(photo: Photo, hop: tuple[str, str, int, int, int]) -> Json:
    service, kind, after, waited, worked = hop
    return {
        "service": service,
        "event": "0",
        "type": kind,
        "run": photo.run,
        "at": (photo.at + timedelta(milliseconds=after)).isoformat(),
        "waited_ms": waited,
        "worked_ms": worked,
        "completed": None,
        "attempts": 1,
        "state": "done",
    }


def _sides(photo: Photo) -> tuple[int, int]:
    with Image.open(io.BytesIO(photo.body)) as picture:
        return picture.size


def _rendition(photo: Photo, name: str, most: int) -> Json:
    body = shrunk(photo.body, most)
    with Image.open(io.BytesIO(body)) as made:
        width, height = made.size
    return {
        "name": name,
        "format": "JPEG",
        "width": width,
        "height": height,
        "bytes": len(body),
        "url": f"/pictures/{photo.image}/{most}",
    }


@functools.cache
def shrunk(body: bytes, most: int) -> bytes:
    made = io.BytesIO()
    with Image.open(io.BytesIO(body)) as picture:
        picture.thumbnail((most, most))
        picture.convert("RGB").save(made, "JPEG", quality=82)
    return made.getvalue()


def _failure_of(body: bytes) -> Json | None:
    try:
        Image.open(io.BytesIO(body)).load()
    except OSError:
        why = {"stage": "resize", "reason": "not-an-image", "fault": "upload"}
        return why | {"detail": "The content is of no kind that we know."}
    return None


class Handler(BaseHTTPRequestHandler):
    """Routes by method and path; ``world`` and ``folder`` are the server's."""

    protocol_version = "HTTP/1.1"
    server: "Server"

    def log_message(self, *_: object) -> None:
        """Tests are quiet."""

    @property
    def world(self) -> World:
        return self.server.world

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path.startswith("/api"):
            self._api(path.removeprefix("/api"))
        elif path.startswith("/pictures/"):
            _, _, image, most = path.split("/")
            photo = self.world.find(image)
            assert photo is not None
            self._send(HTTPStatus.OK, shrunk(photo.body, int(most)), "image/jpeg")
        elif path.startswith("/pool/"):
            self._to(self._pool.visited(urlsplit(self.path)))
        elif path == "/config.json":
            self._json(self._configuration())
        else:
            file = self.server.folder / (path.lstrip("/") or "index.html")
            self._send(HTTPStatus.OK, file.read_bytes(), KINDS[file.suffix])

    @property
    def _pool(self) -> Pool:
        assert self.world.pool
        return self.world.pool

    def _configuration(self) -> Json:
        said: Json = {"api": "/api", "stage": "test", "limits": LIMITS}
        if self.world.pool:
            said["signIn"] = self.world.pool.configuration(f"http://{self.headers['host']}/")
        return said

    def _refused(self) -> bool:
        """The API does not know who asks, and has said so."""
        pool = self.world.pool
        if pool is None or pool.knows(self.headers.get("authorization", "")):
            return False
        self._problem(401, "not-signed-in", "Nobody knows who asks.")
        return True

    def _to(self, address: str) -> None:
        self.send_response(HTTPStatus.FOUND)
        self.send_header("location", address)
        self.send_header("content-length", "0")
        self.end_headers()

    def _api(self, path: str) -> None:
        if self._refused():
            return None
        self.world.asked.append(path)
        self.world.move()
        if path == "/results":
            self.world.gate.wait(30)
        if self.world.down:
            return self._problem(503, "overloaded", "Too much is going on; try again in a minute.")
        if path == "/results":
            return self._json(self._page())
        if path == "/labels":
            return self._json({"labels": self._labels(), "cursor": None})
        return self._about(*path.split("/")[2:])

    def _about(self, image: str, part: str = "") -> None:
        photo = self.world.find(image)
        if photo is None or photo.moves > len(WAY):
            return self._problem(404, "unknown-image", "No such image is known.")
        if photo.deleted:
            return self._problem(410, "image-deleted", "It was deleted at 08:00.")
        if part == "analysis":
            return self._json(analysis(photo))
        if part == "similar":
            others = [one for one in self.world.photos if one.status == "completed"][1:6]
            alike = {"kind": "similar", "score": 0.83}
            return self._json({"items": [summary(one) | alike for one in others]})
        return self._json(detail(photo))

    def _page(self) -> Json:
        asked = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        found = [photo for photo in self.world.photos if self._wanted(photo, asked)]
        begin, limit = int(asked.get("cursor", 0)), int(asked["limit"])
        more = str(begin + limit) if len(found) > begin + limit else None
        return {"items": [summary(one) for one in found[begin : begin + limit]], "cursor": more}

    def _wanted(self, photo: Photo, asked: dict[str, str]) -> bool:
        least = float(asked.get("minConfidence", 0))
        named = [name for name, sure in photo.labels if sure >= least]
        day = photo.at.isoformat()
        return (
            not photo.deleted
            and photo.moves <= len(WAY)
            and asked.get("status", photo.status) == photo.status
            and ("label" not in asked or asked["label"] in named)
            and ("flagged" not in asked or photo.flagged)
            and asked.get("from", "") <= day <= asked.get("to", "9")
        )

    def _labels(self) -> list[Json]:
        names = [name for one in self.world.photos if not one.deleted for name, _ in one.labels]
        counts = {name: names.count(name) for name in names}
        ranked = sorted(counts.items(), key=lambda pair: -pair[1])
        return [{"name": name, "images": images} for name, images in ranked]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.path == "/bucket":
            return self._uploaded(body)
        if self.path == "/pool/oauth2/token":
            said = self._pool.granted(dict(parse_qsl(body.decode())))
            return self._json(said or {"error": "invalid_grant"}, 200 if said else 400)
        if self._refused():
            return None
        if self.path == "/api/upload-url":
            tickets = [self._ticket(asked) for asked in json.loads(body)["files"]]
            return self._json({"uploads": tickets}, 201)
        _, _, _, image, what = self.path.split("/")
        photo = self.world.find(image)
        assert photo is not None
        if what == "release":
            photo.quarantined = False
        else:
            photo.moves, photo.run = len(WAY), photo.run + 1
        return self._json({"image": image, "run": photo.run}, 202)

    def _ticket(self, asked: Json) -> Json:
        image = str(uuid.uuid4())
        key = f"upload/{image}/{asked['fileName']}"
        post = {"url": "/bucket", "fields": {"key": key, "Content-Type": asked["fileType"]}}
        return {"image": image, "key": key, "expires": NOW.isoformat(), "post": post}

    def _uploaded(self, body: bytes) -> None:
        fields = form(body, self.headers["content-type"])
        _, image, name = fields["key"].decode().split("/")
        failure = _failure_of(fields["file"])
        labels = [("Cat", 90.1), ("Animal", 94.4)]
        photo = Photo(image, name, fields["file"], datetime.now(UTC), labels, failure)
        photo.moves = len(WAY) + 1
        self.world.photos.insert(0, photo)
        self._send(HTTPStatus.NO_CONTENT, b"", "text/plain")

    def do_DELETE(self) -> None:
        if self._refused():
            return
        photo = self.world.find(self.path.rsplit("/", 1)[1])
        assert photo is not None
        photo.deleted = True
        self._json({"image": photo.image}, 202)

    def _json(self, value: Json, status: int = 200) -> None:
        self._send(status, json.dumps(value).encode(), "application/json")

    def _problem(self, status: int, code: str, why: str) -> None:
        value = {"title": code, "status": status, "detail": why, "code": code}
        self._send(status, json.dumps(value).encode(), "application/problem+json")

    def _send(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        for name, value in HEADERS.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def form(body: bytes, kind: str) -> dict[str, bytes]:
    """The fields of a multipart form, as a browser sends them."""
    whole = BytesParser().parsebytes(b"content-type: " + kind.encode() + b"\r\n\r\n" + body)
    parts = whole.get_payload()
    assert isinstance(parts, list)
    return {_name(part): part.get_payload(decode=True) for part in parts}


def _name(part: Message) -> str:
    return str(part.get_param("name", header="content-disposition"))


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, folder: Path, world: World, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.folder = folder
        self.world = world

    def handle_error(self, *_: object) -> None:
        """A browser that closed a page has stopped listening: no fault of anybody's."""


@contextmanager
def serving(folder: Path, world: World) -> Iterator[str]:
    """The page built into ``folder``, served with this world; yields its address."""
    server = Server(folder, world)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/index.html"
    finally:
        world.gate.set()
        server.shutdown()
        server.server_close()

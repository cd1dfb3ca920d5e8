"""A fake backend for the page's tests: the API's responses with pictures, and no deployed stage.

One server has the page, its config.json, the API below ``/api``, a bucket for presigned posts, and
pictures. It sends the headers that CloudFront sends on AWS, so every test also shows that the page
complies with its Content-Security-Policy. A test can add a user pool below ``/pool``.

Uploads progress by one hop with each request, so no test depends on a clock.
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
HOPS = (
    ("resize", "image.uploaded.v1", 0, 61, 240),
    ("analyze", "image.resized.v1", 310, 44, 780),
    ("store", "image.analyzed.v1", 1110, 22, 31),
    ("notify", "image.completed.v1", 1160, 18, 74),
)
"""Service, event, ms after the start, ms waited, ms worked."""
QUARANTINED, FLAGGED, UNUSUAL = 7, 4, 2
"""Numbers of scenes. The unusual one has all details that an original can have."""
PLACEHOLDERS = (
    ("n4gJDYSHeHd/h4d0h3d4h2iBcAiX", "#65a472"),
    ("H/YJFQJ3eH+HJ4iHh3iHeHZwefjI", "#686ba4"),
    ("Y4cJFIR3eIh/h4d0d4h3cHUGpw==", "#64a49b"),
    ("oUYKDwR3eId/h4d0h3iIh4iIhwbliI8J", "#8966a3"),
)
"""ThumbHash (by the npm package thumbhash 0.1.1) and average colour of the first four scenes. Later
scenes, which differ in their colours, have them in turn.
"""
BOXES = {
    "Mountain": [(0.05, 0.3, 0.5, 0.35), (0.5, 0.35, 0.45, 0.3)],
    "Sun": [(0.62, 0.08, 0.16, 0.2)],
    "Cat": [(0.14, 0.02, 0.78, 0.93)],
}
LIMITS = {"bytes": 50_000_000, "pixels": 120_000_000}
HEADERS = headers(content_security_policy(()))
"""The page, the API and the pictures have the same origin here."""
Json = dict[str, Any]


@dataclass
class Photo:
    """One image and its original. ``remaining``: requests until its run ends."""

    image: str
    name: str
    body: bytes
    at: datetime
    labels: list[tuple[str, float]]
    failure: Json | None = None
    placeholder: tuple[str, str] = PLACEHOLDERS[0]
    unusual: bool = False
    flagged: bool = False
    quarantined: bool = False
    remaining: int = 0
    run: int = 0
    deleted: bool = False
    owner: str | None = None

    @property
    def status(self) -> str:
        if self.remaining > 0:
            return "processing"
        return "failed" if self.failure else "completed"


@dataclass
class Backend:
    """The images, and the faults that a test can switch on."""

    photos: list[Photo] = field(default_factory=list)
    down: bool = False
    stalled: bool = False
    """Uploads make no progress."""
    requests: list[str] = field(default_factory=list)
    pool: Pool | None = None
    """The user pool; None: the API is open."""
    gate: threading.Event = field(default_factory=threading.Event)
    """Lists are not answered until it is set."""

    def __post_init__(self) -> None:
        self.gate.set()

    def progress(self) -> None:
        """Move every image that is processing one hop further."""
        for photo in [] if self.stalled else self.photos:
            photo.remaining = max(0, photo.remaining - 1)

    def find(self, image: str) -> Photo | None:
        return next((photo for photo in self.photos if photo.image == image), None)


def filled_backend(size: int = 60) -> Backend:
    """Drawn scenes, newest first; some failed, one is flagged, one is quarantined."""
    return Backend([_photo(n) for n in range(size)])


def _photo(n: int) -> Photo:
    size = ((900, 600), (600, 900), (960, 540), (800, 800))[n % 4]
    labels = [("Mountain", 97.3), ("Sun", 91.0), ("Nature", 88.2)]
    failure = None
    if n % 11 == 5:
        failure = {"stage": "resize", "reason": "truncated", "fault": "client"}
        failure["detail"] = "The file ends before its picture does."
    return Photo(
        str(uuid.UUID(int=n + 1, version=5)),
        f"scene-{n:02}.jpg",
        drawn(*size, seed=n),
        NOW - timedelta(hours=7 * n),
        labels[: 1 + n % 3],
        failure,
        placeholder=PLACEHOLDERS[n % 4],
        unusual=n == UNUSUAL,
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
        "placeholder": _placeholder(photo) if completed and not photo.quarantined else None,
        "failure": photo.failure if photo.status == "failed" else None,
    }


def detail(photo: Photo) -> Json:
    hidden = photo.status != "completed" or photo.quarantined
    compensated = {"run": photo.run, "renditions": ["thumbnail", "web"], "analysis": False}
    sizes = {} if hidden else {"thumbnail": 256, "web": 900}
    names = ["Graphic Violence"] if photo.flagged else []
    return summary(photo) | {
        "source": {
            "key": f"upload/{photo.image}/{photo.name}",
            "bytes": len(photo.body),
            "sha256": None,
        },
        "captured": {"at": "2026-07-04T18:21:00", "camera": "Pentax K1000"},
        "gpsRemoved": True,
        "details": _details(photo),
        "analyzer": "local",
        "cost": {"usd": 0.004081, "detections": 0.004},
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
        "compensated": [compensated] if photo.failure else [],
        "published": None if hidden else photo.run,
        "etag": "0",
    }


def _placeholder(photo: Photo) -> Json:
    return dict(zip(("thumbHash", "averageColour"), photo.placeholder, strict=True))


def _details(photo: Photo) -> Json:
    return {
        "hdr": photo.unusual,
        "gainMap": photo.unusual,
        "animated": photo.unusual,
        "frames": 12 if photo.unusual else 1,
        "duration": 1.2 if photo.unusual else None,
        "warnings": ["missing-end-marker"] if photo.unusual else [],
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
    hops = HOPS[: len(HOPS) - photo.remaining] if photo.remaining else HOPS
    rows = [_hop(photo, hop) for hop in hops]
    if photo.failure and rows:
        rows = [rows[0] | {"state": "gave-up", "attempts": 2}]
    return rows


def _hop(photo: Photo, hop: tuple[str, str, int, int, int]) -> Json:
    service, kind, after, waited, worked = hop
    return {
        "service": service,
        "event": "0",
        "type": kind,
        "run": photo.run,
        "at": (photo.at + timedelta(milliseconds=after)).isoformat(),
        "waitedMs": waited,
        "workedMs": worked,
        "completed": None,
        "attempts": 1,
        "state": "done",
    }


def _sides(photo: Photo) -> tuple[int, int]:
    with Image.open(io.BytesIO(photo.body)) as picture:
        return picture.size


def _rendition(photo: Photo, name: str, side: int) -> Json:
    body = shrunk(photo.body, side)
    with Image.open(io.BytesIO(body)) as picture:
        width, height = picture.size
    return {
        "name": name,
        "format": "JPEG",
        "width": width,
        "height": height,
        "bytes": len(body),
        "url": f"/pictures/{photo.image}/{side}",
    }


@functools.cache
def shrunk(body: bytes, side: int) -> bytes:
    """A JPEG of at most ``side`` pixels in each direction."""
    thumbnail = io.BytesIO()
    with Image.open(io.BytesIO(body)) as picture:
        picture.thumbnail((side, side))
        picture.convert("RGB").save(thumbnail, "JPEG", quality=82)
    return thumbnail.getvalue()


def _failure_of(body: bytes) -> Json | None:
    try:
        Image.open(io.BytesIO(body)).load()
    except OSError:
        failure = {"stage": "resize", "reason": "not-an-image", "fault": "client"}
        return failure | {"detail": "The content has no supported format."}
    return None


class Handler(BaseHTTPRequestHandler):
    """Routes by method and path; ``backend`` and ``folder`` are the server's."""

    protocol_version = "HTTP/1.1"
    server: "Server"

    def log_message(self, *_: object) -> None:
        """Log nothing."""

    @property
    def backend(self) -> Backend:
        return self.server.backend

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path.startswith("/api"):
            self._api(path.removeprefix("/api"))
        elif path.startswith("/pictures/"):
            _, _, image, side = path.split("/")
            photo = self.backend.find(image)
            assert photo is not None
            self._send(HTTPStatus.OK, shrunk(photo.body, int(side)), "image/jpeg")
        elif path.startswith("/pool/"):
            self._redirect(self._pool.redirect(urlsplit(self.path)))
        elif path == "/config.json":
            self._json(self._configuration())
        else:
            file = self.server.folder / (path.lstrip("/") or "index.html")
            self._send(HTTPStatus.OK, file.read_bytes(), KINDS[file.suffix])

    @property
    def _pool(self) -> Pool:
        assert self.backend.pool
        return self.backend.pool

    def _configuration(self) -> Json:
        config: Json = {"api": "/api", "stage": "test", "limits": LIMITS}
        if self.backend.pool:
            config["signIn"] = self.backend.pool.configuration(f"http://{self.headers['host']}/")
        return config

    def _refused(self) -> bool:
        """Answer with status 401 if the caller is unknown; whether it did."""
        pool = self.backend.pool
        if pool is None or pool.accepts(self.headers.get("authorization", "")):
            return False
        self._problem(401, "unauthenticated", "The request does not identify its caller.")
        return True

    def _redirect(self, address: str) -> None:
        self.send_response(HTTPStatus.FOUND)
        self.send_header("location", address)
        self.send_header("content-length", "0")
        self.end_headers()

    def _api(self, path: str) -> None:
        if self._refused():
            return None
        self.backend.requests.append(path)
        self.backend.progress()
        if path == "/results":
            self.backend.gate.wait(30)
        if self.backend.down:
            return self._problem(503, "throttled", "The service cannot answer now. Try again.")
        if path == "/results":
            return self._json(self._page())
        if path == "/labels":
            return self._json({"labels": self._labels(), "cursor": None})
        return self._image(*path.split("/")[2:])

    def _image(self, image: str, part: str = "") -> None:
        photo = self.backend.find(image)
        if photo is None or photo.remaining > len(HOPS):
            return self._problem(404, "image-not-found", "There is no such image.")
        if photo.deleted:
            return self._problem(410, "image-deleted", "It was deleted at 08:00.")
        if part == "analysis":
            return self._json(analysis(photo))
        if part == "similar":
            others = [other for other in self.backend.photos if other.status == "completed"][1:6]
            similarity = {"kind": "similar", "score": 0.83}
            return self._json({"items": [summary(other) | similarity for other in others]})
        return self._json(detail(photo))

    def _page(self) -> Json:
        query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        photos = [photo for photo in self.backend.photos if self._matches(photo, query)]
        begin, limit = int(query.get("cursor", 0)), int(query["limit"])
        more = str(begin + limit) if len(photos) > begin + limit else None
        return {
            "items": [summary(photo) for photo in photos[begin : begin + limit]],
            "cursor": more,
        }

    def _matches(self, photo: Photo, query: dict[str, str]) -> bool:
        minimum = float(query.get("minConfidence", 0))
        named = [name for name, sure in photo.labels if sure >= minimum]
        day = photo.at.isoformat()
        return (
            not photo.deleted
            and photo.remaining <= len(HOPS)
            and query.get("status", photo.status) == photo.status
            and ("label" not in query or query["label"] in named)
            and ("flagged" not in query or photo.flagged)
            and query.get("from", "") <= day <= query.get("to", "9")
        )

    def _labels(self) -> list[Json]:
        names = [
            name for photo in self.backend.photos if not photo.deleted for name, _ in photo.labels
        ]
        counts = {name: names.count(name) for name in names}
        ranked = sorted(counts.items(), key=lambda pair: -pair[1])
        return [{"name": name, "images": images} for name, images in ranked]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.path == "/bucket":
            return self._uploaded(body)
        if self.path == "/pool/oauth2/token":
            tokens = self._pool.grant(dict(parse_qsl(body.decode())))
            return self._json(tokens or {"error": "invalid_grant"}, 200 if tokens else 400)
        if self._refused():
            return None
        if self.path == "/api/upload-url":
            uploads = [self._presigned(file) for file in json.loads(body)["files"]]
            return self._json({"uploads": uploads}, 201)
        _, _, _, image, command = self.path.split("/")
        photo = self.backend.find(image)
        assert photo is not None
        if command == "release":
            photo.quarantined = False
        else:
            photo.remaining, photo.run = len(HOPS), photo.run + 1
        return self._json({"image": image, "run": photo.run}, 202)

    def _presigned(self, file: Json) -> Json:
        image = str(uuid.uuid4())
        key = f"upload/{image}/{file['fileName']}"
        post = {"url": "/bucket", "fields": {"key": key, "Content-Type": file["fileType"]}}
        return {"image": image, "key": key, "expires": NOW.isoformat(), "post": post}

    def _uploaded(self, body: bytes) -> None:
        fields = form(body, self.headers["content-type"])
        _, image, name = fields["key"].decode().split("/")
        failure = _failure_of(fields["file"])
        labels = [("Cat", 90.1), ("Animal", 94.4)]
        photo = Photo(image, name, fields["file"], datetime.now(UTC), labels, failure)
        photo.remaining = len(HOPS) + 1
        self.backend.photos.insert(0, photo)
        self._send(HTTPStatus.NO_CONTENT, b"", "text/plain")

    def do_DELETE(self) -> None:
        if self._refused():
            return
        photo = self.backend.find(self.path.rsplit("/", 1)[1])
        assert photo is not None
        photo.deleted = True
        self._json({"image": photo.image}, 202)

    def _json(self, value: Json, status: int = 200) -> None:
        self._send(status, json.dumps(value).encode(), "application/json")

    def _problem(self, status: int, code: str, detail: str) -> None:
        value = {"title": code, "status": status, "detail": detail, "code": code}
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

    def __init__(self, folder: Path, backend: Backend, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.folder = folder
        self.backend = backend

    def handle_error(self, *_: object) -> None:
        """Ignore connections that a closed page has broken."""


@contextmanager
def serving(folder: Path, backend: Backend) -> Iterator[str]:
    """Serve the page in ``folder`` with this backend; yields its address."""
    server = Server(folder, backend)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/index.html"
    finally:
        backend.gate.set()
        server.shutdown()
        server.server_close()

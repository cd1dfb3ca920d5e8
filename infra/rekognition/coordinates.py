"""Points, boxes and polygons in a picture, as ratios of its width and height from its top left."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Point:
    x: float
    y: float

    def as_dict(self) -> dict[str, float]:
        return {"X": self.x, "Y": self.y}


Polygon = tuple[Point, ...]


@dataclass(frozen=True)
class Box:
    left: float
    top: float
    width: float
    height: float

    @property
    def right(self) -> float:
        return self.left + self.width

    @property
    def bottom(self) -> float:
        return self.top + self.height

    @property
    def corners(self) -> Polygon:
        """The four corners, clockwise from the top left."""
        xs, ys = (self.left, self.right), (self.top, self.bottom)
        return Point(xs[0], ys[0]), Point(xs[1], ys[0]), Point(xs[1], ys[1]), Point(xs[0], ys[1])

    def as_dict(self) -> dict[str, float]:
        return {"Left": self.left, "Top": self.top, "Width": self.width, "Height": self.height}


def inside(left: float, top: float, right: float, bottom: float) -> Box:
    """The box between these edges, clipped to the picture."""
    left, top, right, bottom = (min(max(edge, 0.0), 1.0) for edge in (left, top, right, bottom))
    return Box(left, top, max(0.0, right - left), max(0.0, bottom - top))


def around(points: Iterable[Point]) -> Box:
    """The bounding box of the points, clipped to the picture."""
    xs, ys = zip(*((point.x, point.y) for point in points), strict=True)
    return inside(min(xs), min(ys), max(xs), max(ys))


def area(polygon: Sequence[Point]) -> float:
    """The polygon's area as a ratio of the picture's, by the shoelace formula."""
    following = [*polygon[1:], *polygon[:1]]
    doubled = sum(a.x * b.y - b.x * a.y for a, b in zip(polygon, following, strict=True))
    return abs(doubled) / 2


def overlap(polygon: Sequence[Point], clip: Sequence[Point]) -> float:
    """The area of the intersection, by Sutherland and Hodgman; `clip` is convex and clockwise."""
    clipped = list(polygon) if area(clip) else []  # a clip without area has no inside
    for start, end in zip(clip, [*clip[1:], *clip[:1]], strict=True):
        clipped = _right_of(clipped, start, end)
    return area(clipped)


def _right_of(polygon: list[Point], start: Point, end: Point) -> list[Point]:
    """The part of the polygon to the right of a line, which is the inside of a clockwise clip."""
    points: list[Point] = []
    for here, there in zip(polygon, [*polygon[1:], *polygon[:1]], strict=True):
        depth, ahead = _depth(here, start, end), _depth(there, start, end)
        if depth >= 0:
            points.append(here)
        if (depth >= 0) != (ahead >= 0):
            share = depth / (depth - ahead)
            points.append(
                Point(here.x + share * (there.x - here.x), here.y + share * (there.y - here.y))
            )
    return points


def _depth(point: Point, start: Point, end: Point) -> float:
    """Positive to the right of the line; y grows downwards."""
    return (end.x - start.x) * (point.y - start.y) - (end.y - start.y) * (point.x - start.x)

"""The services, wired as infra wires them, over the adapters of a simulation."""

from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from services.analyze import handler as analyze
from services.analyze.documents import Documents
from services.analyze.logic import AnalysisRequest, Analyzer, Detection, Thresholds
from services.analyze.reuse import Reuse
from services.analyze.steps import Steps as AnalyzeSteps
from services.notify import handler as notify
from services.notify.steps import Steps as NotifySteps
from services.resize import handler as resize
from services.resize import logic as pictures
from services.resize.steps import Steps as ResizeSteps
from services.store import handler as store
from services.store.logic import Policy
from services.store.steps import Steps as StoreSteps
from shared.contracts.envelope import Event
from shared.delivery import Limits, Route, Service

SPECS = (pictures.Spec("thumbnail", 4), pictures.Spec("web", 8))
LIMITS = Limits(timeout=30, worst_case=5, max_attempts=5)


@dataclass(frozen=True)
class Parts:
    """The adapters of the services; ``queue`` returns each service's own."""

    uploads: Any
    processed: Any
    index: Any
    """The bucket of what was made once more, as the index of analysed content knows it."""
    records: Any
    lists: Any
    runs: Any
    ledger: Any
    recognizer: Any
    notifications: Any
    bus: Any
    queue: Callable[[str], Any]
    clock: Callable[[], float]
    develop: Callable[..., pictures.Developed] = pictures.develop
    pool: Callable[[int], Executor] = ThreadPoolExecutor
    detect: tuple[Detection, ...] = (Detection.LABELS,)
    policy: Policy = Policy.FLAG


def services(parts: Parts) -> dict[str, Service]:
    """Every service by name, with its routes; rescue has none."""
    routes = {
        "resize": resize.routes(
            ResizeSteps(
                parts.uploads, parts.processed, SPECS, pictures.Limits(), develop=parts.develop
            )
        ),
        "analyze": analyze.routes(
            AnalyzeSteps(
                Documents(parts.processed),
                Reuse(parts.index, parts.runs),
                {Analyzer.REKOGNITION: parts.recognizer},
                AnalysisRequest(Analyzer.REKOGNITION, parts.detect, Thresholds()),
                pool=parts.pool,
            )
        ),
        "store": store.routes(
            StoreSteps(parts.records, parts.processed, parts.lists, parts.policy)
        ),
        "notify": notify.routes(NotifySteps(parts.notifications)),
    }
    return {name: _service(parts, name, answered) for name, answered in routes.items()}


def _service(parts: Parts, name: str, routes: dict[type[Event], Route]) -> Service:
    return Service(
        name=name,
        routes=routes,
        bus=parts.bus,
        queue=parts.queue(name),
        ledger=parts.ledger,
        runs=parts.runs,
        limits=LIMITS,
        clock=parts.clock,
    )

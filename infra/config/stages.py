"""A stage: where and how Darkroom is deployed, read from infra/stages/<name>.toml."""

from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field

from infra.config import toml
from infra.config.definitions import Definition, Function
from infra.config.retention import Retention
from infra.errors import InfraError

FOLDER = Path(__file__).resolve().parents[1] / "stages"

Texts = dict[str, str]


@dataclass(frozen=True)
class Stage:
    """The settings of a stage. `functions` override settings of the services' functions."""

    __pydantic_config__: ClassVar[ConfigDict] = toml.STRICT

    path: Path
    name: str
    local: bool  # on an emulator, never on AWS
    retain: bool  # data outlives its stack
    recovery: bool  # point-in-time recovery of the tables, 35 days back
    tracing: bool  # X-Ray
    architecture: Literal["arm64", "x86_64"]
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"]
    log_retention: Annotated[int, Field(ge=1)]  # days; CloudWatch accepts certain numbers only
    access: Literal["open", "cognito", "keys"]  # who may call the API; see cloudformation/auth.py
    variables: Texts
    service_variables: dict[str, Texts]
    functions: dict[str, dict[str, int]]
    retention: Retention = field(default_factory=Retention)  # days until data expires
    moderation: Literal["flag", "quarantine"] = "flag"  # what happens to a flagged picture
    account: Annotated[str, Field(pattern=r"^\d{12}$")] | None = (
        None  # the only AWS account to deploy to
    )
    region: str | None = None  # the region to deploy to; None: the caller's
    also: tuple[str, ...] = ()  # the optional services to deploy
    kms: bool = False  # encrypt data with the stage's KMS key; else with AWS's keys
    domain: str | None = None  # the page's, such as photos.example.org; None: CloudFront's
    certificate: str | None = None  # the domain's certificate: an ACM ARN in us-east-1
    rate: Annotated[int, Field(ge=1)] = 50  # requests a second, of all callers
    burst: Annotated[int, Field(ge=1)] = 100  # requests in a burst, of all callers
    quota: Annotated[int, Field(ge=1)] = 100_000  # requests a day, of one key

    def __post_init__(self) -> None:
        if self.local:
            self._check_local()
        elif self.access == "open":
            raise ValueError(
                'access = "open" lets anyone on the internet delete every image: a stage that is '
                'not local needs "cognito" or "keys"'
            )
        if (self.domain is None) != (self.certificate is None):
            raise ValueError("domain and certificate go together")
        if self.domain and not self.has_page:
            raise ValueError('domain is for the page, which only access = "cognito" has')

    def _check_local(self) -> None:
        if self.access != "open" or self.kms:
            raise ValueError(
                'a local stage needs access = "open" and kms = false: emulators check neither'
            )

    @property
    def has_page(self) -> bool:
        """Whether the page is deployed. It needs sign-in: a browser cannot protect an API key."""
        return self.access == "cognito"

    @classmethod
    def load(cls, name: str, folder: Path = FOLDER) -> "Stage":
        """Read `<folder>/<name>.toml`. InfraError names a wrong field, or the existing stages."""
        path = folder / f"{name}.toml"
        if not path.exists():
            names = ", ".join(sorted(file.stem for file in folder.glob("*.toml")))
            raise InfraError(f"there is no stage {name!r}; choose one of: {names}")
        return toml.build(cls, _fields(toml.read(path)) | {"name": name, "path": path}, path)

    def called(self, *parts: str) -> str:
        """The name of a resource of this stage, such as darkroom-<stage>-resize-dead."""
        return "-".join(("darkroom", self.name, *parts))

    def bucket(self, kind: str, account: str) -> str:
        """A bucket's name; on AWS it ends in the account id, since bucket names are global."""
        return self.called(kind) if self.local else self.called(kind, account)

    def variables_of(self, service: str) -> Texts:
        """The variables that the stage sets for a service: common ones, then the service's own."""
        return self.variables | self.service_variables.get(service, {})

    def run(self, definitions: Iterable[Definition]) -> tuple[Definition, ...]:
        """The services with this stage's settings. InfraError if it names an unknown service."""
        services = tuple(definitions)
        configured = self.functions.keys() | self.service_variables.keys() | set(self.also)
        if unknown := configured - {service.name for service in services}:
            raise InfraError(f"{self.path}: there is no service {min(unknown)!r}")
        deployed = (each for each in services if not each.optional or each.name in self.also)
        return tuple(self._overridden(definition) for definition in deployed)

    def _overridden(self, definition: Definition) -> Definition:
        changes = self.functions.get(definition.name, {})
        own = {field.name: getattr(definition.function, field.name) for field in fields(Function)}
        unknown = changes.keys() - own
        if unknown:
            where = f"{self.path}: function.{definition.name}"
            raise InfraError(f"{where}.{min(unknown)}: unknown field")
        return replace(definition, function=toml.build(Function, own | changes, self.path))


def _fields(document: dict[str, Any]) -> dict[str, Any]:
    """Separate `[variables]` from the `[variables.<service>]` that TOML nests in it."""
    variables = document.pop("variables", {})
    by_service = {name: value for name, value in variables.items() if isinstance(value, dict)}
    common = {name: text for name, text in variables.items() if name not in by_service}
    functions = document.pop("function", {})
    return document | {
        "variables": common,
        "service_variables": by_service,
        "functions": functions,
    }

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
    """The settings of one stage; `functions` override what services say of their own."""

    __pydantic_config__: ClassVar[ConfigDict] = toml.STRICT

    path: Path
    name: str
    local: bool  # on an emulator, never on AWS
    retain: bool  # data outlives its stack
    recovery: bool  # the tables can be restored to any second of the last 35 days
    tracing: bool  # X-Ray
    architecture: Literal["arm64", "x86_64"]
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"]
    log_retention: Annotated[int, Field(ge=1)]  # days; CloudWatch takes certain numbers only
    access: Literal[
        "open", "cognito", "keys"
    ]  # who may call the API; see infra/cloudformation/auth.py
    variables: Texts
    service_variables: dict[str, Texts]
    functions: dict[str, dict[str, int]]
    retention: Retention = field(default_factory=Retention)  # days that each kind of data stays
    moderation: Literal["flag", "quarantine"] = "flag"  # what becomes of a flagged picture
    account: Annotated[str, Field(pattern=r"^\d{12}$")] | None = None  # the only one it goes to
    region: str | None = None  # where it is, whatever the caller's own is
    also: tuple[str, ...] = ()  # the optional services that run here
    kms: bool = False  # data is encrypted with a key of our own; else with AWS's
    domain: str | None = None  # the page's, such as photos.example.org; else CloudFront's own
    certificate: str | None = None  # the domain's: an ARN of ACM, in us-east-1
    rate: Annotated[int, Field(ge=1)] = 50  # requests a second that the API takes from all callers
    burst: Annotated[int, Field(ge=1)] = 100  # and at once
    quota: Annotated[int, Field(ge=1)] = 100_000  # requests a day that it takes from one key

    def __post_init__(self) -> None:
        if self.local:
            self._check_that_an_emulator_can()
        elif self.access == "open":
            raise ValueError(
                'access = "open" lets anyone on the internet delete every image: a stage that is '
                'not local takes "cognito" or "keys"'
            )
        if (self.domain is None) != (self.certificate is None):
            raise ValueError("domain and certificate go together")
        if self.domain and not self.has_page:
            raise ValueError('domain is the page\'s, and only access = "cognito" has one')

    def _check_that_an_emulator_can(self) -> None:
        if self.access != "open" or self.kms:
            raise ValueError(
                'a local stage has access = "open" and kms = false: no emulator checks either'
            )

    @property
    def has_page(self) -> bool:
        """Whether the page is deployed: a browser can sign in, but it cannot keep a key secret."""
        return self.access == "cognito"

    @classmethod
    def load(cls, name: str, folder: Path = FOLDER) -> "Stage":
        """Read `<folder>/<name>.toml`; InfraError names what it lacks, or the stages there are."""
        path = folder / f"{name}.toml"
        if not path.exists():
            known = ", ".join(sorted(found.stem for found in folder.glob("*.toml")))
            raise InfraError(f"there is no stage {name!r}; choose one of: {known}")
        return toml.build(cls, _fields(toml.read(path)) | {"name": name, "path": path}, path)

    def called(self, *parts: str) -> str:
        """The name of a thing of this stage, such as darkroom-<stage>-resize-dead."""
        return "-".join(("darkroom", self.name, *parts))

    def bucket(self, kind: str, account: str) -> str:
        """A bucket's name; on AWS it ends in the account, since the whole world shares them."""
        return self.called(kind) if self.local else self.called(kind, account)

    def variables_of(self, service: str) -> Texts:
        """What the stage sets for a service's function: its own variables win over everyone's."""
        return self.variables | self.service_variables.get(service, {})

    def run(self, definitions: Iterable[Definition]) -> tuple[Definition, ...]:
        """The services as this stage runs them; InfraError when it sets one that is not there."""
        found = tuple(definitions)
        named = self.functions.keys() | self.service_variables.keys() | set(self.also)
        if unknown := named - {each.name for each in found}:
            raise InfraError(f"{self.path}: there is no service {min(unknown)!r}")
        ours = (each for each in found if not each.optional or each.name in self.also)
        return tuple(self._overridden(definition) for definition in ours)

    def _overridden(self, definition: Definition) -> Definition:
        changes = self.functions.get(definition.name, {})
        own = {field.name: getattr(definition.function, field.name) for field in fields(Function)}
        unknown = changes.keys() - own
        if unknown:
            where = f"{self.path}: function.{definition.name}"
            raise InfraError(f"{where}.{min(unknown)}: unknown field")
        return replace(definition, function=toml.build(Function, own | changes, self.path))


def _fields(read: dict[str, Any]) -> dict[str, Any]:
    """Part `[variables]` from the `[variables.<service>]` that TOML nests in it."""
    variables = read.pop("variables", {})
    mine = {name: texts for name, texts in variables.items() if isinstance(texts, dict)}
    everyone = {name: text for name, text in variables.items() if name not in mine}
    functions = read.pop("function", {})
    return read | {"variables": everyone, "service_variables": mine, "functions": functions}

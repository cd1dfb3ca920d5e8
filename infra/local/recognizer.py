"""Run the local Rekognition as a process on loopback, for functions that run on this machine."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from infra.clients import ACCESS_KEY, LOCAL_REGION, SECRET_KEY
from infra.errors import InfraError
from infra.local.managed import Managed
from infra.paths import ROOT
from infra.processes import Server
from infra.rekognition import models
from infra.rekognition.packages import ModelsError
from infra.terminal import Say


@dataclass(frozen=True)
class Recognizer(Managed):
    """One local Rekognition, which reads pictures from S3 at ``emulator``, a URL.

    Several may run at once, each with its own port and home; they share the weights.
    """

    home: Path
    port: int
    emulator: str

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.home / "log"

    def start(self, say: Say = print) -> bool:
        """Download its weights if needed and start it; false if it was running.

        InfraError if the weights cannot be downloaded or it does not start.
        """
        weights = models.default_directory()
        try:
            models.ensure(weights, say)
        except ModelsError as error:
            raise InfraError(str(error)) from error
        return self._server(weights).start()

    def stop(self) -> bool:
        """Stop it; false if it was not running."""
        return self._server(models.default_directory()).stop()

    def _server(self, weights: Path) -> Server:
        serve = (sys.executable, "-m", "infra.rekognition", "serve")
        return Server(
            name="the local Rekognition",
            home=self.home,
            port=self.port,
            command=(*serve, "--port", str(self.port), "--models", str(weights)),
            environment=self._environment,
            health="/health",
            deadline=60,
        )

    @property
    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.defpath,
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(ROOT),
            "AWS_ENDPOINT_URL": self.emulator,
            "AWS_DEFAULT_REGION": LOCAL_REGION,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        }

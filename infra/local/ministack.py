"""MiniStack, the embedded emulator: for machines without a Docker engine, and for the tests.

It runs on loopback, in its own virtual environment. Its data is in memory and lost when it stops.
(Its persistence is off: it writes objects at once but everything else only at a clean exit, so
after a crash the two would disagree.)
"""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from infra.environments import Environment
from infra.local.managed import Managed
from infra.paths import ENVIRONMENTS
from infra.processes import Server
from infra.terminal import Say

ENVIRONMENT = Environment("MiniStack", ENVIRONMENTS / "ministack", "ministack")


@dataclass(frozen=True)
class MiniStack(Managed):
    """One MiniStack on loopback. Several may run at once, each with its own port and home.

    With ``auth`` it checks signatures, roles' permissions and resource policies as AWS does.
    The credentials test/test are always the root user's.
    """

    home: Path
    port: int
    auth: bool = True

    @property
    def endpoint(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def python(self) -> Path:
        """The interpreter of MiniStack, which also runs the functions."""
        return ENVIRONMENT.python

    @property
    def log(self) -> Path:
        return self.home / "log"

    def start(self, say: Say = print) -> bool:
        """Install it if needed and start it; false if it was running. InfraError if it fails."""
        ENVIRONMENT.ensure(say)
        self._temporary.mkdir(parents=True, exist_ok=True)
        return self._server.start()

    def stop(self) -> bool:
        """Stop it and its functions, and delete their files; false if it was not running."""
        was_running = self._server.stop()
        shutil.rmtree(self._temporary, ignore_errors=True)
        return was_running

    @property
    def _temporary(self) -> Path:
        """Where functions are unpacked: below the home, because a killed MiniStack leaves them."""
        return self.home / "tmp"

    @property
    def _server(self) -> Server:
        return Server(
            name="MiniStack",
            home=self.home,
            port=self.port,
            command=(str(self.python), "-m", "ministack"),
            environment=self._environment,
            health="/_localstack/health",
        )

    @property
    def _environment(self) -> dict[str, str]:
        # functions inherit these variables: none of the user's own, and no proxy for loopback
        return {
            "PATH": os.defpath,
            "HOME": str(self.home),
            "TMPDIR": str(self._temporary),
            "LANG": "C.UTF-8",
            "AUTH": "true" if self.auth else "false",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.port),
            "DOCKER_HOST": f"unix://{self.home}/none",  # else it removes containers of others
            "IOT_MTLS_ENABLED": "0",  # these two would listen on additional ports
            "SFTP_ENABLED": "0",
        }

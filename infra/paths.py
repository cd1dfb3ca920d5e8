"""Paths of the local environment, all below ``.darkroom/`` in the checkout.

- ``.darkroom/environments/<name>/``: virtual environments, such as MiniStack's own
- ``.darkroom/run/<port>/<server>/``: lock, pid, log and temporary files of a server

Files that all checkouts of a user share are in the user's cache.
"""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENTS = ROOT / ".darkroom" / "environments"
RUN = ROOT / ".darkroom" / "run"


def cache() -> Path:
    """Darkroom's folder in the user's cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "darkroom"

"""Darkroom's renditions with Pillow alone, as on arm64, where the SIMD resizer has no wheel."""

import sys

sys.modules["cykooz_resizer"] = None  # type: ignore[assignment]  # importing it fails

from tests.lab.bench.engines.ours import work  # noqa: E402 - after the resizer is hidden

__all__ = ["work"]

"""The same where no wheel of the SIMD resizer exists, such as on arm64: Pillow alone."""

import sys

sys.modules["cykooz_resizer"] = None  # type: ignore[assignment]  # an import of it fails

from tests.lab.bench.engines.ours import work  # noqa: E402 - only now can it not find the resizer

__all__ = ["work"]

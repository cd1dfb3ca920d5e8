"""The page passes its own type check (``npm run check``)."""

import subprocess

from infra.deploy.page import SOURCES, prepared


def test_the_page_passes_its_type_check() -> None:
    node = prepared(print)
    vue_tsc = SOURCES / "node_modules" / "vue-tsc" / "bin" / "vue-tsc.js"
    result = subprocess.run(
        [node.program, vue_tsc, "--noEmit"],
        cwd=SOURCES,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert result.returncode == 0, result.stdout

"""The page's types fit one another, as its own check (``npm run check``) has it."""

import subprocess

from infra.deploy.page import SOURCES, prepared


def test_the_types_of_the_page_fit() -> None:
    node = prepared(print)
    vue_tsc = SOURCES / "node_modules" / "vue-tsc" / "bin" / "vue-tsc.js"
    done = subprocess.run(
        [node.program, vue_tsc, "--noEmit"],
        cwd=SOURCES,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout

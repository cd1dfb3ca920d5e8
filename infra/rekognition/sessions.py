"""Opens onnxruntime sessions, with the same options for every network."""

from pathlib import Path
from typing import Final

import onnxruntime

ERRORS_ONLY: Final = 3


def open_session(model: Path | bytes, threads: int) -> onnxruntime.InferenceSession:
    """A session with this number of compute threads. Several threads may use it at once.

    The number of threads is always set: by default onnxruntime starts one for each core of the
    machine, even in a container that is limited to part of a core. The memory arena is off, so
    that the memory of a large picture is freed.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = ERRORS_ONLY
    options.enable_cpu_mem_arena = False
    source = model if isinstance(model, bytes) else str(model)
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])

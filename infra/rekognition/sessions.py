"""How every network of onnxruntime is opened: on so many threads, and quietly."""

from pathlib import Path
from typing import Final

import onnxruntime

ERRORS_ONLY: Final = 3


def open_session(model: Path | bytes, threads: int) -> onnxruntime.InferenceSession:
    """A session, safe for several threads at once.

    The thread count is always given: left alone, onnxruntime starts one for each core of the
    machine, also where a limit grants it a part of one. And without the arena, memory that one
    large picture took is given back.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = ERRORS_ONLY
    options.enable_cpu_mem_arena = False
    source = model if isinstance(model, bytes) else str(model)
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])

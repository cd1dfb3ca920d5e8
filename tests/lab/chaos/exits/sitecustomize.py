"""Make SIGUSR1 end the process with ``os._exit``. Python loads this module from its path.

The functions of a chaos scenario have this folder on their path, so that the proxy can end a
process at any call. The functions' own code does not change.
"""

import os
import signal

CODE = 70
"""EX_SOFTWARE of sysexits.h."""

signal.signal(signal.SIGUSR1, lambda _number, _frame: os._exit(CODE))

"""Loaded by Python itself where this folder is on its path: SIGUSR1 ends the process from within.

The functions of a chaos run have it on theirs, so that a process can be told to ``os._exit`` at a
moment that somebody outside of it chooses. No code of the functions knows of it.
"""

import os
import signal

CODE = 70
"""EX_SOFTWARE of sysexits.h: an error of the program's own."""

signal.signal(signal.SIGUSR1, lambda _number, _frame: os._exit(CODE))

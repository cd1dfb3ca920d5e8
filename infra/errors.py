"""The errors that a person at the keyboard can put right."""


class InfraError(Exception):
    """One line that says what is wrong and what to do; the command line prints it and exits 1."""

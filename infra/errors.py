"""The error that the command line reports to its user."""


class InfraError(Exception):
    """Its message is one line: what is wrong and what to do. The command line exits with 1."""

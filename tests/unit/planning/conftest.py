"""The contract tests' fixture with moto's AWS."""

from tests.contract.conftest import aws

__all__ = ["aws"]

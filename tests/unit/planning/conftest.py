"""AWS simulated by moto, as in the contract tests."""

from tests.contract.conftest import aws

__all__ = ["aws"]

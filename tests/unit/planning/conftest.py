"""AWS as moto plays it, as in the contract tests."""

from tests.contract.conftest import aws

__all__ = ["aws"]

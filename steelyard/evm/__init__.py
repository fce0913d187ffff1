"""The contracts in an EVM, in this process or in a node: calls by name, outcomes in the form of the exact model."""

from steelyard.evm.artefacts import Artefacts, ArtefactsMissing
from steelyard.evm.chain import Chain, ChainError
from steelyard.evm.machine import Machine

__all__ = ["Artefacts", "ArtefactsMissing", "Chain", "ChainError", "Machine"]

"""Keccak-256 as the EVM has it (not SHA3-256, which pads differently)."""

from __future__ import annotations

from eth_hash.backends import pysha3
from eth_hash.main import Keccak256

__all__ = ["keccak256"]

# Named, because the library's own choice is ten times slower.
keccak256 = Keccak256(pysha3.backend)

"""Statements about margin and liquidation, proved by z3; see ``docs/proofs.md``."""

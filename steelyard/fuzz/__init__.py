"""Stateful fuzzing: the contracts on an EVM and the exact model side by side, compared at every step."""

"""Keccak-256 as the EVM has it (not SHA3-256, which pads differently)."""

from __future__ import annotations

__all__ = ["keccak256"]

_RATE_BYTES = 136
_MASK = (1 << 64) - 1


def _round_constants() -> tuple[int, ...]:
    constants = []
    register = 1
    for _ in range(24):
        constant = 0
        for power in range(7):
            if register & 1:
                constant |= 1 << ((1 << power) - 1)
            register = (register << 1) ^ (0x171 if register & 0x80 else 0)
        constants.append(constant)
    return tuple(constants)


def _rotations() -> tuple[int, ...]:
    offsets = [0] * 25
    x, y = 1, 0
    for step in range(24):
        offsets[x + 5 * y] = (step + 1) * (step + 2) // 2 % 64
        x, y = y, (2 * x + 3 * y) % 5
    return tuple(offsets)


_CONSTANTS = _round_constants()
_OFFSETS = _rotations()
# Lane (x, y) moves to (y, 2x + 3y).
_MOVES = tuple((x + 5 * y, y + 5 * ((2 * x + 3 * y) % 5), _OFFSETS[x + 5 * y]) for x in range(5) for y in range(5))


def _permute(lanes: list[int]) -> list[int]:
    for constant in _CONSTANTS:
        columns = [lanes[x] ^ lanes[x + 5] ^ lanes[x + 10] ^ lanes[x + 15] ^ lanes[x + 20] for x in range(5)]
        mixed = [columns[x - 1] ^ ((columns[(x + 1) % 5] << 1 | columns[(x + 1) % 5] >> 63) & _MASK) for x in range(5)]
        moved = [0] * 25
        for source, target, offset in _MOVES:
            lane = lanes[source] ^ mixed[source % 5]
            moved[target] = (lane << offset | lane >> (64 - offset)) & _MASK
        lanes = [
            moved[x + y] ^ (~moved[(x + 1) % 5 + y] & moved[(x + 2) % 5 + y]) for y in range(0, 25, 5) for x in range(5)
        ]
        lanes[0] ^= constant
    return lanes


def keccak256(data: bytes) -> bytes:
    """Return the 32-byte digest of `data`."""
    padding = bytearray(_RATE_BYTES - len(data) % _RATE_BYTES)
    padding[0] = 0x01
    padding[-1] |= 0x80
    padded = data + bytes(padding)
    lanes = [0] * 25
    for start in range(0, len(padded), _RATE_BYTES):
        for index in range(_RATE_BYTES // 8):
            offset = start + 8 * index
            lanes[index] ^= int.from_bytes(padded[offset : offset + 8], "little")
        lanes = _permute(lanes)
    return b"".join(lane.to_bytes(8, "little") for lane in lanes[:4])

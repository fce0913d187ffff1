"""Price updates for the local stand-in of Pyth."""

from __future__ import annotations

from steelyard.evm.abi import codec, tuple_codec

__all__ = ["EXPONENT", "encode_update"]

EXPONENT = -8
"""Prices are multiples of 1e-8 USD, as Pyth publishes those of large markets."""

_PRICE = {
    "type": "tuple",
    "components": [{"type": "int64"}, {"type": "uint64"}, {"type": "int32"}, {"type": "uint256"}],
}
_FEED = {"type": "tuple", "components": [{"type": "bytes32"}, _PRICE, _PRICE]}
_UPDATE = tuple_codec([codec(_FEED), codec({"type": "uint64"})])


def encode_update(feed: str, *, price: int, confidence: int, published_at: int, previous_at: int) -> bytes:
    """Return an update as the SDK's mock reads it: `abi.encode(PriceFeed, prevPublishTime)`.

    Parameters
    ----------
    feed : str
        Id of the feed, hexadecimal.
    price, confidence : int
        [1e-8 USD]
    published_at, previous_at : int
        Of this price and the one before [Unix s].
    """
    value = price, confidence, EXPONENT, published_at
    return _UPDATE.encode(((feed, value, value), previous_at))

"""Reverts as the bytes that a caller sees."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from sim.protocol import abi
from sim.protocol.errors import EmptyRevert, ProtocolError
from sim.protocol.outcome import ErrorValue

if TYPE_CHECKING:
    from sim.protocol.abi import TupleType

__all__ = ["TYPES", "Bubbled", "bubbled", "revert_data"]

TYPES: Final = {
    "AccessManagedInvalidAuthority": "(address)",
    "AccessManagedUnauthorized": "(address)",
    "AccessManagerBadConfirmation": "()",
    "AccessManagerInvalidInitialAdmin": "(address)",
    "AccessManagerLockedFunction": "(bytes4)",
    "AccessManagerLockedRole": "(uint64)",
    "AccessManagerNotScheduled": "(bytes32)",
    "AccessManagerUnauthorizedAccount": "(address,uint64)",
    "AccountBankrupt": "(uint256,int256)",
    "AccountFlat": "(uint256)",
    "AccountHealthy": "(int256,uint256)",
    "AccountPairInvalid": "(uint256,uint256)",
    "AccountReserved": "(uint256)",
    "AccountUnauthorized": "(uint256,address,uint8)",
    "AmountTooLarge": "(uint256,uint256)",
    "AmountTooSmall": "(uint256,uint256)",
    "AmountZero": "()",
    "BatchMalformed": "(uint256,uint256)",
    "BatchUnpaid": "(uint256,uint256,uint256)",
    "CallerUnauthorized": "(address,address)",
    "ClaimExceeded": "(uint256,uint256)",
    "ControllerZero": "()",
    "ERC20InsufficientAllowance": "(address,uint256,uint256)",
    "ERC20InsufficientBalance": "(address,uint256,uint256)",
    "ERC20InvalidApprover": "(address)",
    "ERC20InvalidReceiver": "(address)",
    "ERC20InvalidSender": "(address)",
    "ERC20InvalidSpender": "(address)",
    "ExecutorUnauthorized": "(address)",
    "FailedCall": "()",
    "FeedUnknown": "(uint8)",
    "InsufficientFee": "()",
    "KeeperFeeExceeded": "(uint256,uint256)",
    "LeverageZero": "()",
    "MaintenanceInsufficient": "(int256,uint256)",
    "MarginInsufficient": "(int256,uint256)",
    "MarkUnmoved": "(uint256,uint256)",
    "MarketUnknown": "(uint8)",
    "MarketsExhausted": "()",
    "NonceUsed": "(address,uint256)",
    "OpenInterestExceeded": "(uint256,uint256)",
    "OpenMarketsExceeded": "(uint256,uint256,uint256)",
    "OrderExpired": "(uint256)",
    "OrderPending": "(uint256)",
    "OrderUnknown": "(uint256,uint8)",
    "OrderUntriggered": "(uint256,uint8)",
    "Panic": "(uint256)",
    "ParameterOutOfBounds": "(bytes32,uint256,uint256,uint256)",
    "PermitExpired": "(uint256)",
    "PoolExhausted": "(int256)",
    "PoolUnhealthy": "(int256,uint256)",
    "PositionMissing": "(uint256,uint8)",
    "PositionWhole": "(uint256,uint8,uint256)",
    "PreviewUnavailable": "()",
    "PriceFeedNotFound": "()",
    "PriceFeedNotFoundWithinRange": "()",
    "PriceInvalid": "(uint8,int64,int32)",
    "PriceMissing": "(uint8)",
    "PriceOutdated": "(uint256,uint256)",
    "PricePremature": "(uint256,uint256)",
    "PriceStale": "(uint8,uint256,uint256)",
    "PriceUnacceptable": "(uint256,uint256)",
    "PriceUncertain": "(uint8,uint256,uint256)",
    "PriceUnconfirmed": "(uint8)",
    "PriceUnproven": "(uint8,uint256)",
    "RecipientUnauthorized": "(address)",
    "ReentrancyGuardReentrantCall": "()",
    "RequestLocked": "(uint256,uint256)",
    "RequestUnknown": "(uint256)",
    "RequestsUnready": "()",
    "RiskPaused": "()",
    "SafeCastOverflowedIntDowncast": "(uint8,int256)",
    "SafeCastOverflowedUintDowncast": "(uint8,uint256)",
    "SafeCastOverflowedUintToInt": "(uint256)",
    "SafeERC20FailedOperation": "(address)",
    "SignatureInvalid": "(address)",
    "SizeBelowMinimum": "(uint256,uint256)",
    "SizeZero": "()",
    "SkewMissing": "()",
    "SlotOccupied": "(uint256,uint8)",
    "StalePrice": "()",
    "SurplusMissing": "(uint256,uint256)",
    "TermsInvalid": "(uint8)",
    "TokenDecimalsMismatch": "(uint8)",
    "TransferMismatch": "(uint256,uint256)",
    "TriggerUnmet": "(uint256)",
    "UpdateMalformed": "(uint256,uint256)",
    "VaultAlreadySet": "(address)",
    "VaultUnauthorized": "(address)",
}
"""Types of each error's arguments, by its name."""


class Bubbled(ProtocolError):
    """The revert data of another contract, passed on as they are.

    Parameters
    ----------
    data : bytes
        Not empty, and of an error in `TYPES`.
    """

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.data = data

    @property
    def decoded(self) -> ErrorValue:
        """The error that they encode."""
        name, types = _by_selector()[self.data[:4]]
        return ErrorValue(name, types.decode(self.data[4:]))

    def __str__(self) -> str:
        return f"Bubbled({self.decoded})"


@cache
def _by_selector() -> dict[bytes, tuple[str, TupleType]]:
    return {
        bytes.fromhex(abi.selector(name + types)[2:]): (name, abi.parse_tuple(types)) for name, types in TYPES.items()
    }


def bubbled(data: bytes) -> ProtocolError:
    """Return the error with which a contract passes revert data on."""
    return Bubbled(data) if data else EmptyRevert()


def revert_data(error: ProtocolError | ErrorValue) -> bytes:
    """Return the bytes with which an error reverts."""
    if isinstance(error, Bubbled):
        return error.data
    value: Any = error.decoded if isinstance(error, ProtocolError) else error
    if not value.name:
        return b""
    types = TYPES[value.name]
    return bytes.fromhex(abi.selector(value.name + types)[2:]) + abi.parse_tuple(types).encode(value.args)

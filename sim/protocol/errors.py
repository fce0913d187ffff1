"""The protocol's errors, one class per Solidity error, with its name and arguments.

Accounts are ``owner << 96 | index``, addresses and bytes are lower-case ``0x`` strings; units are those of the source.
An error that several contracts declare with one signature is one class.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from sim.protocol.outcome import ErrorValue

__all__ = [
    "AccessManagedInvalidAuthority",
    "AccessManagedUnauthorized",
    "AccessManagerBadConfirmation",
    "AccessManagerInvalidInitialAdmin",
    "AccessManagerLockedFunction",
    "AccessManagerLockedRole",
    "AccessManagerNotScheduled",
    "AccessManagerUnauthorizedAccount",
    "AccountBankrupt",
    "AccountFlat",
    "AccountHealthy",
    "AccountPairInvalid",
    "AccountReserved",
    "AccountUnauthorized",
    "AmountTooLarge",
    "AmountTooSmall",
    "AmountZero",
    "BatchMalformed",
    "BatchUnpaid",
    "CallerUnauthorized",
    "ClaimExceeded",
    "ControllerZero",
    "ERC20InsufficientAllowance",
    "ERC20InsufficientBalance",
    "ERC20InvalidApprover",
    "ERC20InvalidReceiver",
    "ERC20InvalidSender",
    "ERC20InvalidSpender",
    "EmptyRevert",
    "ExecutorUnauthorized",
    "FailedCall",
    "FeedUnknown",
    "InsufficientFee",
    "KeeperFeeExceeded",
    "LeverageZero",
    "MaintenanceInsufficient",
    "MarginInsufficient",
    "MarkUnmoved",
    "MarketUnknown",
    "MarketsExhausted",
    "NonceUsed",
    "OpenInterestExceeded",
    "OpenMarketsExceeded",
    "OrderExpired",
    "OrderPending",
    "OrderUnknown",
    "OrderUntriggered",
    "Panic",
    "ParameterOutOfBounds",
    "PermitExpired",
    "PoolExhausted",
    "PoolUnhealthy",
    "PositionMissing",
    "PositionWhole",
    "PreviewUnavailable",
    "PriceFeedNotFound",
    "PriceFeedNotFoundWithinRange",
    "PriceInvalid",
    "PriceMissing",
    "PriceOutdated",
    "PricePremature",
    "PriceStale",
    "PriceUnacceptable",
    "PriceUncertain",
    "PriceUnconfirmed",
    "PriceUnproven",
    "ProtocolError",
    "RecipientUnauthorized",
    "ReentrancyGuardReentrantCall",
    "RequestLocked",
    "RequestUnknown",
    "RequestsUnready",
    "RiskPaused",
    "SafeCastOverflowedIntDowncast",
    "SafeCastOverflowedUintDowncast",
    "SafeCastOverflowedUintToInt",
    "SafeERC20FailedOperation",
    "SignatureInvalid",
    "SizeBelowMinimum",
    "SizeZero",
    "SkewMissing",
    "SlotOccupied",
    "StalePrice",
    "SurplusMissing",
    "TermsInvalid",
    "TokenDecimalsMismatch",
    "TransferMismatch",
    "TriggerUnmet",
    "UpdateMalformed",
    "VaultAlreadySet",
    "VaultUnauthorized",
]


@dataclass(eq=False)
class ProtocolError(Exception):
    """Base of all reverts: the transaction changes nothing."""

    @property
    def decoded(self) -> ErrorValue:
        """The error as it is compared with the chain's."""
        return ErrorValue(type(self).__name__, tuple([getattr(self, name) for name in self.__dataclass_fields__]))

    def __str__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{f.name}={getattr(self, f.name)!r}' for f in fields(self))})"


# ---- compiler


@dataclass(eq=False)
class Panic(ProtocolError):
    """A check that the compiler inserted failed; 0x11 is an arithmetic overflow.

    Source: the compiler.
    """

    code: int


@dataclass(eq=False)
class EmptyRevert(ProtocolError):
    """A revert without data: bad calldata, or value sent to a function that takes none.

    Source: the compiler.
    """

    @property
    def decoded(self) -> ErrorValue:
        """An error without a name."""
        return ErrorValue("", ())


# ---- OpenZeppelin


@dataclass(eq=False)
class SafeCastOverflowedIntDowncast(ProtocolError):
    """A signed value does not fit the smaller type.

    Source: ``SafeCast.sol::SafeCastOverflowedIntDowncast``.
    """

    bits: int
    value: int


@dataclass(eq=False)
class SafeCastOverflowedUintDowncast(ProtocolError):
    """An unsigned value does not fit the smaller type.

    Source: ``SafeCast.sol::SafeCastOverflowedUintDowncast``.
    """

    bits: int
    value: int


@dataclass(eq=False)
class SafeCastOverflowedUintToInt(ProtocolError):
    """An unsigned value does not fit the signed type.

    Source: ``SafeCast.sol::SafeCastOverflowedUintToInt``.
    """

    value: int


@dataclass(eq=False)
class SafeERC20FailedOperation(ProtocolError):
    """A token's transfer returned something other than nothing or true.

    Source: ``SafeERC20.sol::SafeERC20FailedOperation``.
    """

    token: str


@dataclass(eq=False)
class ReentrancyGuardReentrantCall(ProtocolError):
    """A guarded function was entered again.

    Source: ``ReentrancyGuardTransient.sol::ReentrancyGuardReentrantCall``.
    """


@dataclass(eq=False)
class FailedCall(ProtocolError):
    """A delegated call reverted without data.

    Source: ``Errors.sol::FailedCall``.
    """


@dataclass(eq=False)
class AccessManagedUnauthorized(ProtocolError):
    """The caller lacks the role of a restricted function.

    Source: ``IAccessManaged.sol::AccessManagedUnauthorized``.
    """

    caller: str


@dataclass(eq=False)
class AccessManagedInvalidAuthority(ProtocolError):
    """The new authority has no code.

    Source: ``IAccessManaged.sol::AccessManagedInvalidAuthority``.
    """

    authority: str


@dataclass(eq=False)
class AccessManagerInvalidInitialAdmin(ProtocolError):
    """The first admin is the zero address.

    Source: ``IAccessManager.sol::AccessManagerInvalidInitialAdmin``.
    """

    initial_admin: str


@dataclass(eq=False)
class AccessManagerUnauthorizedAccount(ProtocolError):
    """The caller lacks the role that administers this.

    Source: ``IAccessManager.sol::AccessManagerUnauthorizedAccount``.
    """

    msgsender: str
    role_id: int


@dataclass(eq=False)
class AccessManagerLockedRole(ProtocolError):
    """The admin and public roles cannot be changed so.

    Source: ``IAccessManager.sol::AccessManagerLockedRole``.
    """

    role_id: int


@dataclass(eq=False)
class AccessManagerLockedFunction(ProtocolError):
    """The role of `setAuthority` cannot be changed.

    Source: ``IAccessManager.sol::AccessManagerLockedFunction``.
    """

    selector: str


@dataclass(eq=False)
class AccessManagerNotScheduled(ProtocolError):
    """The call of a member with a delay was not scheduled.

    Source: ``IAccessManager.sol::AccessManagerNotScheduled``.
    """

    operation_id: str


@dataclass(eq=False)
class AccessManagerBadConfirmation(ProtocolError):
    """A role is renounced by its holder only.

    Source: ``IAccessManager.sol::AccessManagerBadConfirmation``.
    """


@dataclass(eq=False)
class ERC20InsufficientBalance(ProtocolError):
    """A transfer of more than the sender has [token units].

    Source: ``draft-IERC6093.sol::ERC20InsufficientBalance``.
    """

    sender: str
    balance: int
    needed: int


@dataclass(eq=False)
class ERC20InsufficientAllowance(ProtocolError):
    """A transfer of more than was approved [token units].

    Source: ``draft-IERC6093.sol::ERC20InsufficientAllowance``.
    """

    spender: str
    allowance: int
    needed: int


@dataclass(eq=False)
class ERC20InvalidSender(ProtocolError):
    """Tokens from the zero address.

    Source: ``draft-IERC6093.sol::ERC20InvalidSender``.
    """

    sender: str


@dataclass(eq=False)
class ERC20InvalidReceiver(ProtocolError):
    """Tokens to the zero address.

    Source: ``draft-IERC6093.sol::ERC20InvalidReceiver``.
    """

    receiver: str


@dataclass(eq=False)
class ERC20InvalidApprover(ProtocolError):
    """An approval by the zero address.

    Source: ``draft-IERC6093.sol::ERC20InvalidApprover``.
    """

    approver: str


@dataclass(eq=False)
class ERC20InvalidSpender(ProtocolError):
    """An approval for the zero address.

    Source: ``draft-IERC6093.sol::ERC20InvalidSpender``.
    """

    spender: str


# ---- Pyth


@dataclass(eq=False)
class InsufficientFee(ProtocolError):
    """Less value than Pyth's update fee.

    Source: ``PythErrors.sol::InsufficientFee``.
    """


@dataclass(eq=False)
class PriceFeedNotFound(ProtocolError):
    """No price of this feed was ever stored.

    Source: ``PythErrors.sol::PriceFeedNotFound``.
    """


@dataclass(eq=False)
class PriceFeedNotFoundWithinRange(ProtocolError):
    """No update for the feed has a publish time in range.

    Source: ``PythErrors.sol::PriceFeedNotFoundWithinRange``.
    """


@dataclass(eq=False)
class StalePrice(ProtocolError):
    """Pyth's own price is older than asked for.

    Source: ``PythErrors.sol::StalePrice``.
    """


# ---- Bounds.sol


@dataclass(eq=False)
class ParameterOutOfBounds(ProtocolError):
    """A parameter is outside [low, high]; `parameter` is a padded ``bytes32``.

    Source: ``Bounds.sol::ParameterOutOfBounds``.
    """

    parameter: str
    value: int
    low: int
    high: int


# ---- Positions.sol


@dataclass(eq=False)
class OpenInterestExceeded(ProtocolError):
    """Open interest of one side would exceed its cap [base wad].

    Source: ``Positions.sol::OpenInterestExceeded``.
    """

    open_interest: int
    cap: int


# ---- IClearinghouseCore.sol


@dataclass(eq=False)
class AccountReserved(ProtocolError):
    """The account belongs to the zero address.

    Source: ``IClearinghouseCore.sol::AccountReserved``.
    """

    account: int


@dataclass(eq=False)
class AccountUnauthorized(ProtocolError):
    """Neither the owner nor an operator with an unexpired permission.

    Source: ``IClearinghouseCore.sol::AccountUnauthorized``.
    """

    account: int
    caller: str
    permission: int


@dataclass(eq=False)
class AccountPairInvalid(ProtocolError):
    """The two accounts have different owners, or are one account.

    Source: ``IClearinghouseCore.sol::AccountPairInvalid``.
    """

    source: int
    target: int


@dataclass(eq=False)
class RecipientUnauthorized(ProtocolError):
    """An operator may withdraw to the owner only.

    Source: ``IClearinghouseCore.sol::RecipientUnauthorized``.
    """

    recipient: str


@dataclass(eq=False)
class AmountZero(ProtocolError):
    """An amount of zero.

    Source: ``IClearinghouseCore.sol::AmountZero``.
    """


@dataclass(eq=False)
class SizeZero(ProtocolError):
    """A trade of zero, or one too small to change the position by a share.

    Source: ``IClearinghouseCore.sol::SizeZero``.
    """


@dataclass(eq=False)
class SizeBelowMinimum(ProtocolError):
    """A position smaller than the market's minimum would be left [base wad].

    Source: ``IClearinghouseCore.sol::SizeBelowMinimum``.
    """

    size: int
    min_size: int


@dataclass(eq=False)
class MarketUnknown(ProtocolError):
    """No such market is listed.

    Source: ``IClearinghouseCore.sol::MarketUnknown``.
    """

    market: int


@dataclass(eq=False)
class MarketsExhausted(ProtocolError):
    """All markets are listed.

    Source: ``IClearinghouseCore.sol::MarketsExhausted``.
    """


@dataclass(eq=False)
class OpenMarketsExceeded(ProtocolError):
    """The account would have positions in too many markets for its mode.

    Source: ``IClearinghouseCore.sol::OpenMarketsExceeded``.
    """

    account: int
    open_markets: int
    maximum: int


@dataclass(eq=False)
class PriceUnacceptable(ProtocolError):
    """The average fill price is worse than the acceptable one [wad].

    Source: ``IClearinghouseCore.sol::PriceUnacceptable``.
    """

    fill_price: int
    acceptable_price: int


@dataclass(eq=False)
class MarginInsufficient(ProtocolError):
    """What would be left is under the initial margin [wad].

    Source: ``IClearinghouseCore.sol::MarginInsufficient``.
    """

    equity: int
    initial_margin: int


@dataclass(eq=False)
class MaintenanceInsufficient(ProtocolError):
    """A reducing trade would leave the account under maintenance [wad].

    Source: ``IClearinghouseCore.sol::MaintenanceInsufficient``.
    """

    equity: int
    maintenance_margin: int


@dataclass(eq=False)
class AccountBankrupt(ProtocolError):
    """The last position would close with a negative balance [wad].

    Source: ``IClearinghouseCore.sol::AccountBankrupt``.
    """

    account: int
    balance: int


@dataclass(eq=False)
class AccountHealthy(ProtocolError):
    """The account is not under its maintenance margin [wad].

    Source: ``IClearinghouseCore.sol::AccountHealthy``.
    """

    equity: int
    maintenance_margin: int


@dataclass(eq=False)
class AccountFlat(ProtocolError):
    """The account has no position.

    Source: ``IClearinghouseCore.sol::AccountFlat``.
    """

    account: int


@dataclass(eq=False)
class LeverageZero(ProtocolError):
    """Leverage of zero.

    Source: ``IClearinghouseCore.sol::LeverageZero``.
    """


@dataclass(eq=False)
class ExecutorUnauthorized(ProtocolError):
    """Only an executor trades.

    Source: ``IClearinghouseCore.sol::ExecutorUnauthorized``.
    """

    caller: str


@dataclass(eq=False)
class RiskPaused(ProtocolError):
    """The guardian has stopped what raises risk.

    Source: ``IClearinghouseCore.sol::RiskPaused``.
    """


@dataclass(eq=False)
class TransferMismatch(ProtocolError):
    """The token moved another amount than it was asked to [token units].

    Source: ``IClearinghouseCore.sol::TransferMismatch``.
    """

    requested: int
    received: int


@dataclass(eq=False)
class TokenDecimalsMismatch(ProtocolError):
    """The settlement token has other than 6 decimals.

    Source: ``IClearinghouseCore.sol::TokenDecimalsMismatch``.
    """

    decimals: int


@dataclass(eq=False)
class SurplusMissing(ProtocolError):
    """The insurance fund holds no more than the threshold [wad].

    Source: ``IClearinghouseCore.sol::SurplusMissing``.
    """

    insurance_balance: int
    threshold: int


@dataclass(eq=False)
class PositionMissing(ProtocolError):
    """The account has no position in the market.

    Source: ``IClearinghouseCore.sol::PositionMissing``.
    """

    account: int
    market: int


@dataclass(eq=False)
class DelegateCallRequired(ProtocolError):
    """The extension runs for the clearinghouse only.

    Source: ``IClearinghouseCore.sol::DelegateCallRequired``.
    """


@dataclass(eq=False)
class PositionWhole(ProtocolError):
    """The position's side was not deleveraged to a thousandth.

    Source: ``IClearinghouseCore.sol::PositionWhole``.
    """

    account: int
    market: int
    multiplier: int


@dataclass(eq=False)
class SkewMissing(ProtocolError):
    """No side has anything left to give up.

    Source: ``IClearinghouseCore.sol::SkewMissing``.
    """


@dataclass(eq=False)
class VaultUnauthorized(ProtocolError):
    """Only the vault takes money out of the pool.

    Source: ``IClearinghouseCore.sol::VaultUnauthorized``.
    """

    caller: str


@dataclass(eq=False)
class VaultAlreadySet(ProtocolError):
    """The pool has its vault, for good.

    Source: ``IClearinghouseCore.sol::VaultAlreadySet``.
    """

    vault: str


# ---- IOrderBook.sol


@dataclass(eq=False)
class OrderUntriggered(ProtocolError):
    """Nothing of the order is due: it waits for its trigger, or for its next slice.

    Source: ``IOrderBook.sol::OrderUntriggered``.
    """

    account: int
    slot: int


@dataclass(eq=False)
class TriggerUnmet(ProtocolError):
    """The price does not trigger the order [wad].

    Source: ``IOrderBook.sol::TriggerUnmet``.
    """

    price: int


@dataclass(eq=False)
class MarkUnmoved(ProtocolError):
    """The price is no better than the trailing stop's mark [wad].

    Source: ``IOrderBook.sol::MarkUnmoved``.
    """

    price: int
    mark: int


@dataclass(eq=False)
class PricePremature(ProtocolError):
    """The latest price was published no later than the order began to wait.

    Source: ``IOrderBook.sol::PricePremature``.
    """

    published_at: int
    since: int


@dataclass(eq=False)
class PriceUnproven(ProtocolError):
    """Neither an update was given, nor was the first price since `earliest` proven in this transaction.

    Source: ``IOrderBook.sol::PriceUnproven``.
    """

    market: int
    earliest: int


@dataclass(eq=False)
class BatchMalformed(ProtocolError):
    """Lists of unequal lengths.

    Source: ``IOrderBook.sol::BatchMalformed``.
    """

    calls: int
    values: int


@dataclass(eq=False)
class BatchUnpaid(ProtocolError):
    """A call of a batch asks for more value than is left.

    Source: ``IOrderBook.sol::BatchUnpaid``.
    """

    index: int
    value: int
    left: int


@dataclass(eq=False)
class TermsInvalid(ProtocolError):
    """No order of this kind can have these terms.

    Source: ``Triggers.sol::TermsInvalid``.
    """

    kind: int


@dataclass(eq=False)
class PermitExpired(ProtocolError):
    """A signed permission that has expired.

    Source: ``IClearinghouseCore.sol::PermitExpired``.
    """

    expires_at: int


@dataclass(eq=False)
class NonceUsed(ProtocolError):
    """The signer has used or cancelled this nonce.

    Source: ``ISignedMessages.sol::NonceUsed``.
    """

    signer: str
    nonce: int


@dataclass(eq=False)
class SignatureInvalid(ProtocolError):
    """Somebody else signed, or another message.

    Source: ``ISignedMessages.sol::SignatureInvalid``.
    """

    signer: str


@dataclass(eq=False)
class SlotOccupied(ProtocolError):
    """The slot holds an order that has neither settled nor been cancelled.

    Source: ``IOrderBook.sol::SlotOccupied``.
    """

    account: int
    slot: int


@dataclass(eq=False)
class KeeperFeeExceeded(ProtocolError):
    """A keeper fee above the largest allowed [wad].

    Source: ``IOrderBook.sol::KeeperFeeExceeded``.
    """

    keeper_fee: int
    maximum: int


@dataclass(eq=False)
class OrderUnknown(ProtocolError):
    """The slot does not hold this order.

    Source: ``IOrderBook.sol::OrderUnknown``.
    """

    account: int
    slot: int


@dataclass(eq=False)
class OrderExpired(ProtocolError):
    """The order's own expiry, or its window, has passed [seconds].

    Source: ``IOrderBook.sol::OrderExpired``.
    """

    latest: int


@dataclass(eq=False)
class OrderPending(ProtocolError):
    """The order can still settle until `latest` [seconds].

    Source: ``IOrderBook.sol::OrderPending``.
    """

    latest: int


# ---- IPriceOracle.sol


@dataclass(eq=False)
class FeedUnknown(ProtocolError):
    """The market has no feed.

    Source: ``IPriceOracle.sol::FeedUnknown``.
    """

    market: int


@dataclass(eq=False)
class PriceMissing(ProtocolError):
    """The market has no price yet.

    Source: ``IPriceOracle.sol::PriceMissing``.
    """

    market: int


@dataclass(eq=False)
class PriceStale(ProtocolError):
    """The latest price is older than `max_age` [seconds].

    Source: ``IPriceOracle.sol::PriceStale``.
    """

    market: int
    published_at: int
    max_age: int


@dataclass(eq=False)
class PriceUncertain(ProtocolError):
    """The confidence interval is wider than allowed [1e-6 of price].

    Source: ``IPriceOracle.sol::PriceUncertain``.
    """

    market: int
    confidence: int
    max_confidence: int


@dataclass(eq=False)
class PriceUnconfirmed(ProtocolError):
    """The market's guard did not confirm the price when it was stored.

    Source: ``IPriceOracle.sol::PriceUnconfirmed``.
    """

    market: int


@dataclass(eq=False)
class PriceInvalid(ProtocolError):
    """Pyth published a price or exponent that is not usable.

    Source: ``IPriceOracle.sol::PriceInvalid``.
    """

    market: int
    price: int
    exponent: int


@dataclass(eq=False)
class UpdateMalformed(ProtocolError):
    """Empty lists of markets or updates.

    Source: ``IPriceOracle.sol::UpdateMalformed``.
    """

    markets: int
    updates: int


# ---- ILiquidityVault.sol, Requests.sol


@dataclass(eq=False)
class CallerUnauthorized(ProtocolError):
    """`caller` is neither `account` nor its operator.

    Source: ``ILiquidityVault.sol::CallerUnauthorized``.
    """

    account: str
    caller: str


@dataclass(eq=False)
class ControllerZero(ProtocolError):
    """A request for the zero address, which nobody could claim.

    Source: ``ILiquidityVault.sol::ControllerZero``.
    """


@dataclass(eq=False)
class AmountTooSmall(ProtocolError):
    """Less than the smallest request.

    Source: ``ILiquidityVault.sol::AmountTooSmall``.
    """

    amount: int
    minimum: int


@dataclass(eq=False)
class AmountTooLarge(ProtocolError):
    """More than the largest request.

    Source: ``ILiquidityVault.sol::AmountTooLarge``.
    """

    amount: int
    maximum: int


@dataclass(eq=False)
class RequestLocked(ProtocolError):
    """The request can be cancelled from `cancellable_at` on.

    Source: ``ILiquidityVault.sol::RequestLocked``.
    """

    request_id: int
    cancellable_at: int


@dataclass(eq=False)
class RequestsUnready(ProtocolError):
    """Nothing in the queues can be settled now, within the numbers that were asked for.

    Source: ``ILiquidityVault.sol::RequestsUnready``.
    """


@dataclass(eq=False)
class PriceOutdated(ProtocolError):
    """The oldest price of the net asset value is too old to settle at.

    Source: ``ILiquidityVault.sol::PriceOutdated``.
    """

    priced_at: int
    max_age: int


@dataclass(eq=False)
class PoolExhausted(ProtocolError):
    """The pool has no net asset value [wad] to settle at.

    Source: ``ILiquidityVault.sol::PoolExhausted``.
    """

    net_asset_value: int


@dataclass(eq=False)
class PoolUnhealthy(ProtocolError):
    """The pool is under its maintenance margin: it must be deleveraged first [quote wad].

    Source: ``ILiquidityVault.sol::PoolUnhealthy``.
    """

    net_asset_value: int
    maintenance_margin: int


@dataclass(eq=False)
class PreviewUnavailable(ProtocolError):
    """What a claim will pay is known once its request is settled.

    Source: ``ILiquidityVault.sol::PreviewUnavailable``.
    """


@dataclass(eq=False)
class ClaimExceeded(ProtocolError):
    """More than can be claimed.

    Source: ``Requests.sol::ClaimExceeded``.
    """

    requested: int
    claimable: int


@dataclass(eq=False)
class RequestUnknown(ProtocolError):
    """There is no such request, or it is over.

    Source: ``Requests.sol::RequestUnknown``.
    """

    request_id: int

"""The custom errors of the contracts. Arguments are as the contracts tell them: amounts are integers in wad.

Written by `python -m steelyard.client.errors.generate`.
"""

from __future__ import annotations

from steelyard.client.errors.base import ContractReverted

__all__ = [
    "BY_NAME",
    "AccessManagedInvalidAuthority",
    "AccessManagedRequiredDelay",
    "AccessManagedUnauthorized",
    "AccessManagerAlreadyScheduled",
    "AccessManagerBadConfirmation",
    "AccessManagerExpired",
    "AccessManagerInvalidInitialAdmin",
    "AccessManagerLockedFunction",
    "AccessManagerLockedRole",
    "AccessManagerNotReady",
    "AccessManagerNotScheduled",
    "AccessManagerUnauthorizedAccount",
    "AccessManagerUnauthorizedCall",
    "AccessManagerUnauthorizedCancel",
    "AccessManagerUnauthorizedConsume",
    "AccountBankrupt",
    "AccountFlat",
    "AccountHealthy",
    "AccountPairInvalid",
    "AccountReserved",
    "AccountUnauthorized",
    "AddressEmptyCode",
    "AmountTooLarge",
    "AmountTooSmall",
    "AmountZero",
    "BatchMalformed",
    "BatchUnpaid",
    "CallerUnauthorized",
    "ClaimExceeded",
    "CombinedPriceOverflow",
    "ControllerZero",
    "DelegateCallRequired",
    "ERC20InsufficientAllowance",
    "ERC20InsufficientBalance",
    "ERC20InvalidApprover",
    "ERC20InvalidReceiver",
    "ERC20InvalidSender",
    "ERC20InvalidSpender",
    "ExecutorUnauthorized",
    "ExponentOverflow",
    "FailedCall",
    "FeedUnknown",
    "GasWithheld",
    "InsufficientBalance",
    "InsufficientFee",
    "InvalidArgument",
    "InvalidGovernanceDataSource",
    "InvalidGovernanceMessage",
    "InvalidGovernanceTarget",
    "InvalidInputExpo",
    "InvalidTwapUpdateData",
    "InvalidTwapUpdateDataSet",
    "InvalidUpdateData",
    "InvalidUpdateDataSource",
    "InvalidWormholeAddressToSet",
    "InvalidWormholeVaa",
    "KeeperFeeExceeded",
    "LeverageZero",
    "MaintenanceInsufficient",
    "MarginInsufficient",
    "MarkUnmoved",
    "MarketUnknown",
    "MarketsExhausted",
    "NegativeInputPrice",
    "NoFreshUpdate",
    "NonceUsed",
    "OldGovernanceMessage",
    "OpenInterestExceeded",
    "OpenMarketsExceeded",
    "OrderExpired",
    "OrderPending",
    "OrderUnknown",
    "OrderUntriggered",
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
    "RecipientUnauthorized",
    "ReentrancyGuardReentrantCall",
    "RequestLocked",
    "RequestUnknown",
    "RequestsUnready",
    "RiskPaused",
    "SafeCastOverflowedIntDowncast",
    "SafeCastOverflowedUintDowncast",
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


class AccessManagedInvalidAuthority(ContractReverted):
    """`AccessManagedInvalidAuthority(address authority)`."""

    authority: str


class AccessManagedRequiredDelay(ContractReverted):
    """`AccessManagedRequiredDelay(address caller, uint32 delay)`."""

    caller: str
    delay: int


class AccessManagedUnauthorized(ContractReverted):
    """`AccessManagedUnauthorized(address caller)`."""

    caller: str


class AccessManagerAlreadyScheduled(ContractReverted):
    """`AccessManagerAlreadyScheduled(bytes32 operationId)`."""

    operation_id: str


class AccessManagerBadConfirmation(ContractReverted):
    """`AccessManagerBadConfirmation()`."""


class AccessManagerExpired(ContractReverted):
    """`AccessManagerExpired(bytes32 operationId)`."""

    operation_id: str


class AccessManagerInvalidInitialAdmin(ContractReverted):
    """`AccessManagerInvalidInitialAdmin(address initialAdmin)`."""

    initial_admin: str


class AccessManagerLockedFunction(ContractReverted):
    """`AccessManagerLockedFunction(bytes4 selector)`."""

    selector: str


class AccessManagerLockedRole(ContractReverted):
    """`AccessManagerLockedRole(uint64 roleId)`."""

    role_id: int


class AccessManagerNotReady(ContractReverted):
    """`AccessManagerNotReady(bytes32 operationId)`."""

    operation_id: str


class AccessManagerNotScheduled(ContractReverted):
    """`AccessManagerNotScheduled(bytes32 operationId)`."""

    operation_id: str


class AccessManagerUnauthorizedAccount(ContractReverted):
    """`AccessManagerUnauthorizedAccount(address msgsender, uint64 roleId)`."""

    msgsender: str
    role_id: int


class AccessManagerUnauthorizedCall(ContractReverted):
    """`AccessManagerUnauthorizedCall(address caller, address target, bytes4 selector)`."""

    caller: str
    target: str
    selector: str


class AccessManagerUnauthorizedCancel(ContractReverted):
    """`AccessManagerUnauthorizedCancel(address msgsender, address caller, address target, bytes4 selector)`."""

    msgsender: str
    caller: str
    target: str
    selector: str


class AccessManagerUnauthorizedConsume(ContractReverted):
    """`AccessManagerUnauthorizedConsume(address target)`."""

    target: str


class AccountBankrupt(ContractReverted):
    """`AccountBankrupt(uint256 account, int256 balance)`.

    The last position would close with a negative balance: only a liquidation books bad debt.
    """

    account: int
    balance: int


class AccountFlat(ContractReverted):
    """`AccountFlat(uint256 account)`.

    The account has no position.
    """

    account: int


class AccountHealthy(ContractReverted):
    """`AccountHealthy(int256 equity, uint256 maintenanceMargin)`.

    The account is not under its maintenance margin.
    """

    equity: int
    maintenance_margin: int


class AccountPairInvalid(ContractReverted):
    """`AccountPairInvalid(uint256 from, uint256 to)`.

    The two accounts have different owners, or are one account.
    """

    from_: int
    to: int


class AccountReserved(ContractReverted):
    """`AccountReserved(uint256 account)`.

    The account belongs to the zero address: the pool, the insurance fund or nobody.
    """

    account: int


class AccountUnauthorized(ContractReverted):
    """`AccountUnauthorized(uint256 account, address caller, uint8 permission)`.

    `trader` may not trade for the account.
    """

    account: int
    caller: str
    permission: int


class AddressEmptyCode(ContractReverted):
    """`AddressEmptyCode(address target)`."""

    target: str


class AmountTooLarge(ContractReverted):
    """`AmountTooLarge(uint256 amount, uint256 maximum)`.

    More than the largest request.
    """

    amount: int
    maximum: int


class AmountTooSmall(ContractReverted):
    """`AmountTooSmall(uint256 amount, uint256 minimum)`.

    Less than the smallest request.
    """

    amount: int
    minimum: int


class AmountZero(ContractReverted):
    """`AmountZero()`.

    An amount of zero.
    """


class BatchMalformed(ContractReverted):
    """`BatchMalformed(uint256 calls, uint256 values)`.

    Lists of unequal lengths.
    """

    calls: int
    values: int


class BatchUnpaid(ContractReverted):
    """`BatchUnpaid(uint256 index, uint256 value, uint256 left)`.

    A call of a batch asks for more value than is left.
    """

    index: int
    value: int
    left: int


class CallerUnauthorized(ContractReverted):
    """`CallerUnauthorized(address account, address caller)`.

    `caller` is neither `account` nor its operator.
    """

    account: str
    caller: str


class ClaimExceeded(ContractReverted):
    """`ClaimExceeded(uint256 requested, uint256 claimable)`.

    More than can be claimed.
    """

    requested: int
    claimable: int


class CombinedPriceOverflow(ContractReverted):
    """`CombinedPriceOverflow()`."""


class ControllerZero(ContractReverted):
    """`ControllerZero()`.

    A request for the zero address, which nobody could claim.
    """


class DelegateCallRequired(ContractReverted):
    """`DelegateCallRequired()`.

    The extension works on the clearinghouse's storage only.
    """


class ERC20InsufficientAllowance(ContractReverted):
    """`ERC20InsufficientAllowance(address spender, uint256 allowance, uint256 needed)`."""

    spender: str
    allowance: int
    needed: int


class ERC20InsufficientBalance(ContractReverted):
    """`ERC20InsufficientBalance(address sender, uint256 balance, uint256 needed)`."""

    sender: str
    balance: int
    needed: int


class ERC20InvalidApprover(ContractReverted):
    """`ERC20InvalidApprover(address approver)`."""

    approver: str


class ERC20InvalidReceiver(ContractReverted):
    """`ERC20InvalidReceiver(address receiver)`."""

    receiver: str


class ERC20InvalidSender(ContractReverted):
    """`ERC20InvalidSender(address sender)`."""

    sender: str


class ERC20InvalidSpender(ContractReverted):
    """`ERC20InvalidSpender(address spender)`."""

    spender: str


class ExecutorUnauthorized(ContractReverted):
    """`ExecutorUnauthorized(address caller)`.

    Only an executor trades.
    """

    caller: str


class ExponentOverflow(ContractReverted):
    """`ExponentOverflow()`."""


class FailedCall(ContractReverted):
    """`FailedCall()`."""


class FeedUnknown(ContractReverted):
    """`FeedUnknown(uint8 market)`.

    `market` has no feed.
    """

    market: int


class GasWithheld(ContractReverted):
    """`GasWithheld(uint256 minimum)`.

    Too little gas is left for an aggregator to answer: else a caller could choose that it does not.
    """

    minimum: int


class InsufficientBalance(ContractReverted):
    """`InsufficientBalance(uint256 balance, uint256 needed)`."""

    balance: int
    needed: int


class InsufficientFee(ContractReverted):
    """`InsufficientFee()`."""


class InvalidArgument(ContractReverted):
    """`InvalidArgument()`."""


class InvalidGovernanceDataSource(ContractReverted):
    """`InvalidGovernanceDataSource()`."""


class InvalidGovernanceMessage(ContractReverted):
    """`InvalidGovernanceMessage()`."""


class InvalidGovernanceTarget(ContractReverted):
    """`InvalidGovernanceTarget()`."""


class InvalidInputExpo(ContractReverted):
    """`InvalidInputExpo()`."""


class InvalidTwapUpdateData(ContractReverted):
    """`InvalidTwapUpdateData()`."""


class InvalidTwapUpdateDataSet(ContractReverted):
    """`InvalidTwapUpdateDataSet()`."""


class InvalidUpdateData(ContractReverted):
    """`InvalidUpdateData()`."""


class InvalidUpdateDataSource(ContractReverted):
    """`InvalidUpdateDataSource()`."""


class InvalidWormholeAddressToSet(ContractReverted):
    """`InvalidWormholeAddressToSet()`."""


class InvalidWormholeVaa(ContractReverted):
    """`InvalidWormholeVaa()`."""


class KeeperFeeExceeded(ContractReverted):
    """`KeeperFeeExceeded(uint256 keeperFee, uint256 maximum)`.

    A keeper fee above the largest allowed [quote wad].
    """

    keeper_fee: int
    maximum: int


class LeverageZero(ContractReverted):
    """`LeverageZero()`.

    Leverage of zero.
    """


class MaintenanceInsufficient(ContractReverted):
    """`MaintenanceInsufficient(int256 equity, uint256 maintenanceMargin)`.

    A reducing trade would leave the account under the maintenance margin, and pays a keeper or costs more than it
    releases.
    """

    equity: int
    maintenance_margin: int


class MarginInsufficient(ContractReverted):
    """`MarginInsufficient(int256 equity, uint256 initialMargin)`.

    What would be left is under the initial margin.
    """

    equity: int
    initial_margin: int


class MarkUnmoved(ContractReverted):
    """`MarkUnmoved(uint256 price, uint256 mark)`.

    The price is not a better one than the trailing stop's mark [wad].
    """

    price: int
    mark: int


class MarketUnknown(ContractReverted):
    """`MarketUnknown(uint8 market)`.

    No such market is listed.
    """

    market: int


class MarketsExhausted(ContractReverted):
    """`MarketsExhausted()`.

    All markets are listed.
    """


class NegativeInputPrice(ContractReverted):
    """`NegativeInputPrice()`."""


class NoFreshUpdate(ContractReverted):
    """`NoFreshUpdate()`."""


class NonceUsed(ContractReverted):
    """`NonceUsed(address signer, uint256 nonce)`.

    The signer has used or cancelled this nonce.
    """

    signer: str
    nonce: int


class OldGovernanceMessage(ContractReverted):
    """`OldGovernanceMessage()`."""


class OpenInterestExceeded(ContractReverted):
    """`OpenInterestExceeded(uint256 openInterest, uint256 cap)`.

    Open interest of one side would exceed its cap [base wad].
    """

    open_interest: int
    cap: int


class OpenMarketsExceeded(ContractReverted):
    """`OpenMarketsExceeded(uint256 account, uint256 openMarkets, uint256 maximum)`.

    The account would have positions in too many markets for its mode.
    """

    account: int
    open_markets: int
    maximum: int


class OrderExpired(ContractReverted):
    """`OrderExpired(uint256 latest)`.

    The order's own expiry, or its window, has passed, or passes before it could settle.
    """

    latest: int


class OrderPending(ContractReverted):
    """`OrderPending(uint256 latest)`.

    The order can settle until `latest`: its price may be known, and a cancel would be a free option.
    """

    latest: int


class OrderUnknown(ContractReverted):
    """`OrderUnknown(uint256 account, uint8 slot)`.

    The slot does not hold this order.
    """

    account: int
    slot: int


class OrderUntriggered(ContractReverted):
    """`OrderUntriggered(uint256 account, uint8 slot)`.

    Nothing of this order is due: it waits for its trigger, or for its next slice.
    """

    account: int
    slot: int


class ParameterOutOfBounds(ContractReverted):
    """`ParameterOutOfBounds(bytes32 parameter, uint256 value, uint256 min, uint256 max)`.

    A parameter is outside [min, max].
    """

    parameter: str
    value: int
    min: int
    max: int


class PermitExpired(ContractReverted):
    """`PermitExpired(uint256 expiresAt)`.

    A signed permission that has expired.
    """

    expires_at: int


class PoolExhausted(ContractReverted):
    """`PoolExhausted(int256 netAssetValue)`.

    The pool has no net asset value [wad] to settle at: a negative one, or none for the shares that there are.
    """

    net_asset_value: int


class PoolUnhealthy(ContractReverted):
    """`PoolUnhealthy(int256 netAssetValue, uint256 maintenanceMargin)`.

    The pool is under its maintenance margin: it must be deleveraged first, which changes what a share is worth.
    """

    net_asset_value: int
    maintenance_margin: int


class PositionMissing(ContractReverted):
    """`PositionMissing(uint256 account, uint8 market)`.

    The account has no position in the market.
    """

    account: int
    market: int


class PositionWhole(ContractReverted):
    """`PositionWhole(uint256 account, uint8 market, uint256 multiplier)`.

    The position's side was not deleveraged to a thousandth.
    """

    account: int
    market: int
    multiplier: int


class PreviewUnavailable(ContractReverted):
    """`PreviewUnavailable()`.

    What a claim will pay is known once its request is settled, and then by `max*`.
    """


class PriceFeedNotFound(ContractReverted):
    """`PriceFeedNotFound()`."""


class PriceFeedNotFoundWithinRange(ContractReverted):
    """`PriceFeedNotFoundWithinRange()`."""


class PriceInvalid(ContractReverted):
    """`PriceInvalid(uint8 market, int64 price, int32 exponent)`.

    Pyth published a price or exponent that is not usable.
    """

    market: int
    price: int
    exponent: int


class PriceMissing(ContractReverted):
    """`PriceMissing(uint8 market)`.

    `market` has no price yet.
    """

    market: int


class PriceOutdated(ContractReverted):
    """`PriceOutdated(uint256 pricedAt, uint256 maxAge)`.

    The oldest price that the net asset value is made of is too old to settle at.
    """

    priced_at: int
    max_age: int


class PricePremature(ContractReverted):
    """`PricePremature(uint256 publishedAt, uint256 since)`.

    The latest price was published no later than the order, or what of it is next, began to wait.
    """

    published_at: int
    since: int


class PriceStale(ContractReverted):
    """`PriceStale(uint8 market, uint256 publishedAt, uint256 maxAge)`.

    The latest price is older than `maxAge` seconds.
    """

    market: int
    published_at: int
    max_age: int


class PriceUnacceptable(ContractReverted):
    """`PriceUnacceptable(uint256 fillPrice, uint256 acceptablePrice)`.

    The average fill price is worse than the acceptable one.
    """

    fill_price: int
    acceptable_price: int


class PriceUncertain(ContractReverted):
    """`PriceUncertain(uint8 market, uint256 confidence, uint256 maxConfidence)`.

    The price's confidence interval is wider than allowed [1e-6 of price].
    """

    market: int
    confidence: int
    max_confidence: int


class PriceUnconfirmed(ContractReverted):
    """`PriceUnconfirmed(uint8 market)`.

    The market's guard did not confirm the price when it was stored.
    """

    market: int


class PriceUnproven(ContractReverted):
    """`PriceUnproven(uint8 market, uint256 earliest)`.

    Neither an update was given, nor was the market's first price since `earliest` proven in this transaction.
    """

    market: int
    earliest: int


class RecipientUnauthorized(ContractReverted):
    """`RecipientUnauthorized(address recipient)`.

    An operator may withdraw to the owner only.
    """

    recipient: str


class ReentrancyGuardReentrantCall(ContractReverted):
    """`ReentrancyGuardReentrantCall()`."""


class RequestLocked(ContractReverted):
    """`RequestLocked(uint256 requestId, uint256 cancellableAt)`.

    The request can be cancelled from `cancellableAt` on.
    """

    request_id: int
    cancellable_at: int


class RequestUnknown(ContractReverted):
    """`RequestUnknown(uint256 requestId)`.

    There is no such request, or it is over.
    """

    request_id: int


class RequestsUnready(ContractReverted):
    """`RequestsUnready()`.

    Nothing in the queues can be settled now, within the numbers that were asked for.
    """


class RiskPaused(ContractReverted):
    """`RiskPaused()`.

    The guardian has stopped what raises risk.
    """


class SafeCastOverflowedIntDowncast(ContractReverted):
    """`SafeCastOverflowedIntDowncast(uint8 bits, int256 value)`."""

    bits: int
    value: int


class SafeCastOverflowedUintDowncast(ContractReverted):
    """`SafeCastOverflowedUintDowncast(uint8 bits, uint256 value)`."""

    bits: int
    value: int


class SafeERC20FailedOperation(ContractReverted):
    """`SafeERC20FailedOperation(address token)`."""

    token: str


class SignatureInvalid(ContractReverted):
    """`SignatureInvalid(address signer)`.

    Somebody else than `signer` signed, or another message.
    """

    signer: str


class SizeBelowMinimum(ContractReverted):
    """`SizeBelowMinimum(uint256 size, uint256 minSize)`.

    A position smaller than the market's minimum would be left.
    """

    size: int
    min_size: int


class SizeZero(ContractReverted):
    """`SizeZero()`.

    A size of zero.
    """


class SkewMissing(ContractReverted):
    """`SkewMissing()`.

    No side has anything left to give up.
    """


class SlotOccupied(ContractReverted):
    """`SlotOccupied(uint256 account, uint8 slot)`.

    The account's slot holds an order that can still settle, or one that rests.
    """

    account: int
    slot: int


class StalePrice(ContractReverted):
    """`StalePrice()`."""


class SurplusMissing(ContractReverted):
    """`SurplusMissing(uint256 insuranceBalance, uint256 threshold)`.

    The insurance fund holds no more than the treasury threshold.
    """

    insurance_balance: int
    threshold: int


class TermsInvalid(ContractReverted):
    """`TermsInvalid(uint8 kind)`.

    Terms that no order of this kind can have: a price missing or without a use, a distance of all or nothing, slices
    that overlap or are empty, a stop on the wrong side of its target, a bracket that only reduces.
    """

    kind: int


class TokenDecimalsMismatch(ContractReverted):
    """`TokenDecimalsMismatch(uint8 decimals)`.

    The settlement token has other than 6 decimals.
    """

    decimals: int


class TransferMismatch(ContractReverted):
    """`TransferMismatch(uint256 requested, uint256 received)`.

    The token moved another amount than it was asked to.
    """

    requested: int
    received: int


class TriggerUnmet(ContractReverted):
    """`TriggerUnmet(uint256 price)`.

    The price does not trigger the order [wad].
    """

    price: int


class UpdateMalformed(ContractReverted):
    """`UpdateMalformed(uint256 markets, uint256 updates)`.

    Lists of unequal lengths, or empty ones.
    """

    markets: int
    updates: int


class VaultAlreadySet(ContractReverted):
    """`VaultAlreadySet(address vault)`.

    The pool has its vault, for good.
    """

    vault: str


class VaultUnauthorized(ContractReverted):
    """`VaultUnauthorized(address caller)`.

    Only the vault takes money out of the pool.
    """

    caller: str


BY_NAME: dict[str, type[ContractReverted]] = {
    "AccessManagedInvalidAuthority": AccessManagedInvalidAuthority,
    "AccessManagedRequiredDelay": AccessManagedRequiredDelay,
    "AccessManagedUnauthorized": AccessManagedUnauthorized,
    "AccessManagerAlreadyScheduled": AccessManagerAlreadyScheduled,
    "AccessManagerBadConfirmation": AccessManagerBadConfirmation,
    "AccessManagerExpired": AccessManagerExpired,
    "AccessManagerInvalidInitialAdmin": AccessManagerInvalidInitialAdmin,
    "AccessManagerLockedFunction": AccessManagerLockedFunction,
    "AccessManagerLockedRole": AccessManagerLockedRole,
    "AccessManagerNotReady": AccessManagerNotReady,
    "AccessManagerNotScheduled": AccessManagerNotScheduled,
    "AccessManagerUnauthorizedAccount": AccessManagerUnauthorizedAccount,
    "AccessManagerUnauthorizedCall": AccessManagerUnauthorizedCall,
    "AccessManagerUnauthorizedCancel": AccessManagerUnauthorizedCancel,
    "AccessManagerUnauthorizedConsume": AccessManagerUnauthorizedConsume,
    "AccountBankrupt": AccountBankrupt,
    "AccountFlat": AccountFlat,
    "AccountHealthy": AccountHealthy,
    "AccountPairInvalid": AccountPairInvalid,
    "AccountReserved": AccountReserved,
    "AccountUnauthorized": AccountUnauthorized,
    "AddressEmptyCode": AddressEmptyCode,
    "AmountTooLarge": AmountTooLarge,
    "AmountTooSmall": AmountTooSmall,
    "AmountZero": AmountZero,
    "BatchMalformed": BatchMalformed,
    "BatchUnpaid": BatchUnpaid,
    "CallerUnauthorized": CallerUnauthorized,
    "ClaimExceeded": ClaimExceeded,
    "CombinedPriceOverflow": CombinedPriceOverflow,
    "ControllerZero": ControllerZero,
    "DelegateCallRequired": DelegateCallRequired,
    "ERC20InsufficientAllowance": ERC20InsufficientAllowance,
    "ERC20InsufficientBalance": ERC20InsufficientBalance,
    "ERC20InvalidApprover": ERC20InvalidApprover,
    "ERC20InvalidReceiver": ERC20InvalidReceiver,
    "ERC20InvalidSender": ERC20InvalidSender,
    "ERC20InvalidSpender": ERC20InvalidSpender,
    "ExecutorUnauthorized": ExecutorUnauthorized,
    "ExponentOverflow": ExponentOverflow,
    "FailedCall": FailedCall,
    "FeedUnknown": FeedUnknown,
    "GasWithheld": GasWithheld,
    "InsufficientBalance": InsufficientBalance,
    "InsufficientFee": InsufficientFee,
    "InvalidArgument": InvalidArgument,
    "InvalidGovernanceDataSource": InvalidGovernanceDataSource,
    "InvalidGovernanceMessage": InvalidGovernanceMessage,
    "InvalidGovernanceTarget": InvalidGovernanceTarget,
    "InvalidInputExpo": InvalidInputExpo,
    "InvalidTwapUpdateData": InvalidTwapUpdateData,
    "InvalidTwapUpdateDataSet": InvalidTwapUpdateDataSet,
    "InvalidUpdateData": InvalidUpdateData,
    "InvalidUpdateDataSource": InvalidUpdateDataSource,
    "InvalidWormholeAddressToSet": InvalidWormholeAddressToSet,
    "InvalidWormholeVaa": InvalidWormholeVaa,
    "KeeperFeeExceeded": KeeperFeeExceeded,
    "LeverageZero": LeverageZero,
    "MaintenanceInsufficient": MaintenanceInsufficient,
    "MarginInsufficient": MarginInsufficient,
    "MarkUnmoved": MarkUnmoved,
    "MarketUnknown": MarketUnknown,
    "MarketsExhausted": MarketsExhausted,
    "NegativeInputPrice": NegativeInputPrice,
    "NoFreshUpdate": NoFreshUpdate,
    "NonceUsed": NonceUsed,
    "OldGovernanceMessage": OldGovernanceMessage,
    "OpenInterestExceeded": OpenInterestExceeded,
    "OpenMarketsExceeded": OpenMarketsExceeded,
    "OrderExpired": OrderExpired,
    "OrderPending": OrderPending,
    "OrderUnknown": OrderUnknown,
    "OrderUntriggered": OrderUntriggered,
    "ParameterOutOfBounds": ParameterOutOfBounds,
    "PermitExpired": PermitExpired,
    "PoolExhausted": PoolExhausted,
    "PoolUnhealthy": PoolUnhealthy,
    "PositionMissing": PositionMissing,
    "PositionWhole": PositionWhole,
    "PreviewUnavailable": PreviewUnavailable,
    "PriceFeedNotFound": PriceFeedNotFound,
    "PriceFeedNotFoundWithinRange": PriceFeedNotFoundWithinRange,
    "PriceInvalid": PriceInvalid,
    "PriceMissing": PriceMissing,
    "PriceOutdated": PriceOutdated,
    "PricePremature": PricePremature,
    "PriceStale": PriceStale,
    "PriceUnacceptable": PriceUnacceptable,
    "PriceUncertain": PriceUncertain,
    "PriceUnconfirmed": PriceUnconfirmed,
    "PriceUnproven": PriceUnproven,
    "RecipientUnauthorized": RecipientUnauthorized,
    "ReentrancyGuardReentrantCall": ReentrancyGuardReentrantCall,
    "RequestLocked": RequestLocked,
    "RequestUnknown": RequestUnknown,
    "RequestsUnready": RequestsUnready,
    "RiskPaused": RiskPaused,
    "SafeCastOverflowedIntDowncast": SafeCastOverflowedIntDowncast,
    "SafeCastOverflowedUintDowncast": SafeCastOverflowedUintDowncast,
    "SafeERC20FailedOperation": SafeERC20FailedOperation,
    "SignatureInvalid": SignatureInvalid,
    "SizeBelowMinimum": SizeBelowMinimum,
    "SizeZero": SizeZero,
    "SkewMissing": SkewMissing,
    "SlotOccupied": SlotOccupied,
    "StalePrice": StalePrice,
    "SurplusMissing": SurplusMissing,
    "TermsInvalid": TermsInvalid,
    "TokenDecimalsMismatch": TokenDecimalsMismatch,
    "TransferMismatch": TransferMismatch,
    "TriggerUnmet": TriggerUnmet,
    "UpdateMalformed": UpdateMalformed,
    "VaultAlreadySet": VaultAlreadySet,
    "VaultUnauthorized": VaultUnauthorized,
}

"""The contracts' views, typed; amounts as the contracts tell them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from steelyard.client.calls import Contract, read
from steelyard.client.records import (
    AccountView,
    Commitment,
    JointMove,
    MarginMode,
    MarginView,
    MarketView,
    PoolRisk,
    PoolView,
    PositionView,
    Progress,
    Quote,
    read_record,
)
from steelyard.client.steps import Steps, Stepwise, operation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from steelyard.client.records import AccountId

__all__ = ["ViewSteps", "Views"]


class Views:
    """The contracts of one deployment, and what they tell.

    Parameters
    ----------
    addresses : mapping of str to str
        By contract name, as in the deployment artefact. `Token` and `Pyth` are the settlement token and the Pyth
        contract, whatever they are called themselves.
    """

    def __init__(self, addresses: Mapping[str, str]) -> None:
        self.addresses = dict(addresses)
        self.clearinghouse = Contract.at("Clearinghouse", addresses["Clearinghouse"])
        self.order_book = Contract.at("OrderBook", addresses["OrderBook"])
        self.oracle = Contract.at("PriceOracle", addresses["PriceOracle"])
        self.lens = Contract.at("Lens", addresses["Lens"])
        self.vault = Contract.at("LiquidityVault", addresses["LiquidityVault"])
        self.token = Contract.at("LocalToken", addresses["Token"])

    @operation
    def account_views(self, accounts: Sequence[AccountId]) -> Steps[list[AccountView]]:
        """Return health, leverage and requirements of accounts, in their order."""
        if not accounts:
            return []
        return [read_record(AccountView, one) for one in (yield from read(self.lens, "accountViews", tuple(accounts)))]

    @operation
    def balances_of(self, accounts: Sequence[AccountId]) -> Steps[list[int]]:
        """Return ledger balances [quote wad], in the order of the accounts."""
        return list((yield from read(self.lens, "balancesOf", tuple(accounts))))

    @operation
    def positions_of(self, account: AccountId) -> Steps[list[PositionView]]:
        """Return the open positions of an account, lowest market first."""
        return [read_record(PositionView, one) for one in (yield from read(self.lens, "positionsOf", account))]

    @operation
    def liquidation_price(self, account: AccountId, market: int) -> Steps[int]:
        """Return the price beyond which an account can be liquidated [wad]."""
        return int((yield from read(self.lens, "liquidationPrice", account, market)))

    @operation
    def margins_of(self, account: AccountId) -> Steps[dict[MarginMode, MarginView]]:
        """Return what an account's positions would require in each margin mode."""
        views = [read_record(MarginView, one) for one in (yield from read(self.lens, "marginsOf", account))]
        return {MarginMode(view.mode): view for view in views}

    @operation
    def joint_move(self, account: AccountId) -> Steps[JointMove]:
        """Return by what all prices may be multiplied before an account can be liquidated."""
        return JointMove.of(*(yield from read(self.lens, "liquidationFactors", account)))

    @operation
    def largest_order(self, account: AccountId, market: int, *, is_buy: bool) -> Steps[int]:
        """Return the largest order that leaves the initial margin [base wad], negative for a sale, 0 for none."""
        return int((yield from read(self.lens, "largestOrder", account, market, is_buy)))

    @operation
    def quote(self, account: AccountId, market: int, size_delta: int) -> Steps[Quote]:
        """Return what a trade would do now."""
        return read_record(Quote, (yield from read(self.lens, "quote", account, market, size_delta)))

    @operation
    def min_size(self, market: int) -> Steps[int]:
        """Return the size of the smallest position in a market [base wad]."""
        return int((yield from read(self.clearinghouse, "marketOf", market)).config.minSize) * 10**9

    @operation
    def latest_price(self, market: int) -> Steps[int]:
        """Return the latest price of a market, whatever its age; zero for none [wad]."""
        return int((yield from read(self.oracle, "priceState", market)).price)

    @operation
    def market_views(self) -> Steps[list[MarketView]]:
        """Return all listed markets."""
        return [read_record(MarketView, one) for one in (yield from read(self.lens, "marketViews"))]

    @operation
    def pool_view(self) -> Steps[PoolView]:
        """Return the pool and the insurance fund."""
        return read_record(PoolView, (yield from read(self.lens, "poolView")))

    @operation
    def pool_risk(self) -> Steps[PoolRisk]:
        """Return value and requirements of the pool."""
        return read_record(PoolRisk, (yield from read(self.clearinghouse, "poolRisk")))

    @operation
    def pending_requests(self) -> Steps[int]:
        """Return how many requests to the vault are not over, cancelled ones included."""
        pending = 0
        for view in ("depositQueue", "redeemQueue"):
            done, made, *_ = yield from read(self.vault, view)
            pending += made - done
        return pending

    @operation
    def commitment_of(self, account: AccountId, slot: int, *, block: int | str = "latest") -> Steps[Commitment]:
        """Return what an order slot of an account holds."""
        return Commitment(*(yield from read(self.order_book, "commitmentOf", account, slot, block=block)))

    @operation
    def progress_of(self, account: AccountId, slot: int, *, block: int | str = "latest") -> Steps[Progress]:
        """Return how far the order that rests in a slot is."""
        return read_record(Progress, (yield from read(self.order_book, "progressOf", account, slot, block=block)))


class ViewSteps(Views, Stepwise):
    """The same as steps of something longer."""

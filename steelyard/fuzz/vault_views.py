"""Every view of the vault, for both sides to be asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sim.protocol.liquidity_vault import LiquidityVault

__all__ = ["vault_views"]

_CONSTANTS = (
    "name",
    "symbol",
    "decimals",
    "totalSupply",
    "asset",
    "share",
    "totalAssets",
    "lastNetAssetValue",
    "depositQueue",
    "redeemQueue",
    "CLEARINGHOUSE",
    "SETTLE_DELAY_SECONDS",
    "MAX_PRICE_AGE_SECONDS",
    "CANCEL_DELAY_SECONDS",
    "MIN_DEPOSIT",
    "MAX_ASSETS",
    "MAX_SUPPLY",
)
_OF_AN_OWNER = ("balanceOf", "maxDeposit", "maxMint", "maxWithdraw", "maxRedeem")
_OF_AN_AMOUNT = (
    "convertToShares",
    "convertToAssets",
    "previewDeposit",
    "previewMint",
    "previewWithdraw",
    "previewRedeem",
)
_AMOUNTS = (0, 1, 10**6, 10**18, 2**256 - 1)
_LATEST = 3


def vault_views(vault: LiquidityVault, owners: Sequence[str]) -> Iterator[tuple[str, str, tuple[Any, ...]]]:
    """Yield contract, function and arguments; of the queues, the latest requests and one that was never made."""
    name = vault.name
    for function in _CONSTANTS:
        yield name, function, ()
    for function in _OF_AN_AMOUNT:
        for amount in _AMOUNTS:
            yield name, function, (amount,)
    for owner in (*owners, vault.address):
        for function in _OF_AN_OWNER:
            yield name, function, (owner,)
        yield name, "isOperator", (owners[0], owner)
        yield name, "allowance", (owners[0], owner)
    for kind, queue in (("deposit", vault.deposits), ("redeem", vault.redemptions)):
        done, made, _ = queue.header
        for number in {0, 1, done, made + 1, *range(max(1, made - _LATEST), made + 1)}:
            yield name, f"{kind}RequestOf", (number,)
            for controller in (queue.request_of(number).controller, owners[0]):
                yield name, f"pending{kind.title()}Request", (number, controller)
                yield name, f"claimable{kind.title()}Request", (number, controller)
    for interface in ("0x01ffc9a7", "0xe3bc4e65", "0xffffffff"):
        yield name, "supportsInterface", (interface,)

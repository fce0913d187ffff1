"""Who acts, on which accounts, and the units that amounts are told in."""

from __future__ import annotations

from steelyard.evm.deployment import ADMIN, GUARDIAN, LIQUIDITY, STEWARD, TREASURY

WAD = 10**18
TOKEN = 10**6
CENT = 10**16
UINT256_MAX = 2**256 - 1
UINT128_MAX = 2**128 - 1
INT128_MAX = 2**127 - 1
ANY_BUY = UINT128_MAX
ANY_SALE = 0

# Further addresses of the test chains' mnemonic; the first five govern.
ALICE = "0x9965507d1a55bcc2695c58ba16fb37d819b0a4dc"
BOB = "0x976ea74026e726554db657fa54763abd0c3a0aa9"
CAROL = "0x14dc79964da2c08b23698b3d3cc7ca32193d9955"
KIM = "0x23618e81e3f5cdf7f54c3d65f7fbc0abf5b21e8f"
OSCAR = "0xa0ee7a142d267c1f36714e4a8f75612f20a79720"
MALLORY = "0xbded0d2bf404bdcba897a74e6657f1f12e5c6fb6"
"""The contract that the treasury deploys first, `HostileActor`: it acts as it is told."""
WALLET = "0x2910e325cf29dd912e3476b61ef12f49cb931096"
"""The contract that it deploys next, `LocalWallet`: it signs what it is told to."""

TRADERS = (ALICE, BOB, CAROL)
"""They deposit and trade."""
PEOPLE = (*TRADERS, KIM, OSCAR, ADMIN, GUARDIAN, LIQUIDITY, STEWARD, TREASURY)
"""Who sends transactions: Kim executes and liquidates, Oscar operates for others, and the rest govern."""
EVERYBODY = (*PEOPLE, MALLORY)
"""Who holds tokens."""
AGGREGATORS = {"Aggregator0": 8, "Aggregator1": 18, "Aggregator2": 19, "Sequencer": 0}
"""Decimals of the Chainlink aggregators on stage, by the name that they go by: two for guards, one that tells too many
decimals, and the uptime feed."""
CONTRACTS = {"LocalToken": "HostileToken", **dict.fromkeys(AGGREGATORS, "LocalAggregator")}
"""Which contract stands on stage under the name of another."""

POOL, INSURANCE = 1, 2
START_PRICES = (40_000 * WAD, 2_500 * WAD, 100 * WAD)
EXPONENT = -8


def account_of(owner: str, index: int = 0) -> int:
    """Return the id of an account."""
    return int(owner, 16) << 96 | index


def owner_of(account: int) -> str:
    """Return the address of an account's owner."""
    return f"0x{account >> 96:040x}"


TRADING_ACCOUNTS = tuple(account_of(owner, index) for owner in TRADERS for index in range(2))
KIMS = account_of(KIM)
TREASURYS = account_of(TREASURY)
MALLORYS = tuple(account_of(MALLORY, index) for index in range(2))
WALLETS = account_of(WALLET)
ACCOUNTS = (*TRADING_ACCOUNTS, KIMS, TREASURYS, account_of(OSCAR), *MALLORYS, WALLETS)
"""All accounts that a sequence may touch, the pool and the insurance fund apart."""

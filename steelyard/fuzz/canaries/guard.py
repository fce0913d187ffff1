"""Guards that confirm what they should not, or stop what must go on; confidence that costs nothing."""

from __future__ import annotations

from steelyard.fuzz.canaries.canary import Canary

_ORACLE = "PriceOracle.sol"
_ROUNDS = "libraries/Rounds.sol"
_HOUSE = "Clearinghouse.sol"
_EXT = "ClearinghouseExt.sol"
_BOOK = "OrderBook.sol"

GUARDS = (
    Canary(
        "guard-of-any-age",
        "price guard",
        _ROUNDS,
        "if (block.timestamp - updatedAt > guard.maxAge) return false;",
        "",
        "an answer of any age confirms a price",
    ),
    Canary(
        "guard-a-second-early",
        "off by one",
        _ROUNDS,
        "if (block.timestamp - updatedAt > guard.maxAge) return false;",
        "if (block.timestamp - updatedAt >= guard.maxAge) return false;",
        "an answer is refused in the last second in which it may be used",
    ),
    Canary(
        "guard-on-one-side",
        "price guard",
        _ROUNDS,
        "price > reference_ ? price - reference_ : reference_ - price",
        "price > reference_ ? price - reference_ : 0",
        "a price is never too far under the answer",
    ),
    Canary(
        "guard-off-at-its-edge",
        "off by one",
        _ROUNDS,
        "return deviation * 1e4 <= reference_ * guard.maxDeviation;",
        "return deviation * 1e4 <= price * guard.maxDeviation;",
        "the deviation is a part of the price, not of the answer",
    ),
    Canary(
        "guard-of-eight-decimals",
        "price guard",
        _ROUNDS,
        "10 ** (18 - guard.decimals)",
        "1e10",
        "every aggregator is taken to have eight decimals",
    ),
    Canary(
        "guard-answers-anything",
        "return data",
        _ROUNDS,
        "ok := and(ok, eq(returndatasize(), length))",
        "ok := and(ok, iszero(iszero(returndatasize())))",
        "an answer that is cut short is read with what was in memory before",
    ),
    Canary(
        "sequencer-down-unseen",
        "price guard",
        _ROUNDS,
        "if (!ok || answer != 0 || startedAt == 0",
        "if (!ok || startedAt == 0",
        "prices are confirmed while the sequencer is down",
    ),
    Canary(
        "sequencer-never-started",
        "price guard",
        _ROUNDS,
        "answer != 0 || startedAt == 0 || startedAt",
        "answer != 0 || startedAt",
        "an uptime feed that has no round yet says that the sequencer is up",
    ),
    Canary(
        "sequencer-of-the-future",
        "unchecked arithmetic",
        _ROUNDS,
        "startedAt == 0 || startedAt > block.timestamp",
        "startedAt == 0",
        "a sequencer that starts later has been up for ever",
    ),
    Canary(
        "sequencer-a-second-late",
        "off by one",
        _ROUNDS,
        "return block.timestamp - startedAt >= sequencer.gracePeriod;",
        "return block.timestamp - startedAt > sequencer.gracePeriod;",
        "the grace period lasts a second longer",
    ),
    Canary(
        "guard-lost-with-the-feed",
        "price guard",
        _ORACLE,
        "            state.isGuarded = isGuarded;\n",
        "",
        "a new feed is not guarded any more",
    ),
    Canary(
        "guard-confirms-what-was-before",
        "price guard",
        _ORACLE,
        "state.isConfirmed = !state.isGuarded;",
        "state.isConfirmed = true;",
        "the price that is held when a guard is set counts as confirmed",
    ),
    Canary(
        "first-price-confirmed-by-the-last",
        "price guard",
        _ORACLE,
        "isConfirmed = _isConfirmed(market, state, price);",
        "isConfirmed = state.isConfirmed;",
        "an order fills at a price that nobody was asked about",
    ),
    Canary(
        "unconfirmed-price",
        "price guard",
        _ORACLE,
        "if (quality == PriceQuality.Confirmed && !word.isConfirmed()) revert PriceUnconfirmed(market);",
        "",
        "money leaves at a price that the guard does not confirm",
    ),
    Canary(
        "unconfirmed-fill",
        "price guard",
        _HOUSE,
        "if (!order.isConfirmed || !open.mark.isConfirmed())",
        "if (!open.mark.isConfirmed())",
        "risk is raised at a fill price that the guard does not confirm",
    ),
    Canary(
        "unconfirmed-mark",
        "price guard",
        _HOUSE,
        "if (!order.isConfirmed || !open.mark.isConfirmed())",
        "if (!order.isConfirmed)",
        "risk is raised while the price that is held is not confirmed",
    ),
    Canary(
        "unconfirmed-margin-leaves",
        "price guard",
        _HOUSE,
        "AccountRisk memory risk = _riskOf(id, PriceQuality.Confirmed);",
        "AccountRisk memory risk = _riskOf(id, PriceQuality.Certain);",
        "margin is withdrawn on profits that the guard does not confirm",
    ),
    Canary(
        "liquidation-waits-for-the-guard",
        "liquidation blocked",
        _HOUSE,
        "Mark[] memory marks = ORACLE.marksOf(markets, PriceQuality.Fresh);",
        "Mark[] memory marks = ORACLE.marksOf(markets, PriceQuality.Confirmed);",
        "an aggregator that is down shields from liquidation",
    ),
    Canary(
        "deleveraging-waits-for-the-guard",
        "liquidation blocked",
        _EXT,
        "OpenPosition[] memory skewed = _loadSkewed(PriceQuality.Fresh);",
        "OpenPosition[] memory skewed = _loadSkewed(PriceQuality.Confirmed);",
        "an aggregator that is down stops deleveraging",
    ),
    Canary(
        "vault-at-an-unconfirmed-price",
        "price guard",
        _EXT,
        "OpenPosition[] memory skewed = _loadSkewed(PriceQuality.Confirmed);",
        "OpenPosition[] memory skewed = _loadSkewed(PriceQuality.Certain);",
        "the vault settles at a value that the guard does not confirm",
    ),
)

CONFIDENCE = (
    Canary(
        "confidence-for-nothing",
        "price confidence",
        _BOOK,
        "price = Pricing.worstOf(first.price(), first.confidence(), intent.sizeDelta > 0);",
        "price = first.price();",
        "an order fills in the middle of the confidence interval",
    ),
    Canary(
        "confidence-for-the-trader",
        "price confidence",
        _BOOK,
        "price = Pricing.worstOf(first.price(), first.confidence(), intent.sizeDelta > 0);",
        "price = Pricing.worstOf(first.price(), first.confidence(), intent.sizeDelta < 0);",
        "an order fills at the end of the confidence interval that its trader likes",
    ),
    Canary(
        "unconfirmed-order-lives-on",
        "free option",
        _BOOK,
        "|| selector == IPriceOracle.PriceUnconfirmed.selector",
        "",
        "a keeper may try an order until the guard confirms",
    ),
)

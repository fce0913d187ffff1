"""Permissions, money in and out, margin checks, limits, pause and governance."""

from __future__ import annotations

from steelyard.fuzz.canaries.canary import Canary

_HOUSE = "Clearinghouse.sol"
_CORE = "ClearinghouseCore.sol"
_EXT = "ClearinghouseExt.sol"

PERMISSIONS = (
    Canary(
        "operator-with-a-shadow",
        "missing permission",
        _HOUSE,
        "_permissions[msg.sender][operator] = Permission(flags, expiresAt);",
        "_permissions[msg.sender][operator] = Permission(flags, expiresAt);\n"
        "        _permissions[msg.sender][address(uint160(operator) ^ 1)] = Permission(7, type(uint40).max);",
        "whoever is made an operator has a neighbour who may do everything, which no view that anyone asks for shows",
    ),
    Canary(
        "withdraw-unauthorised",
        "missing permission",
        _HOUSE,
        "_authorize(id, PERMISSION_WITHDRAW);\n        if (msg.sender != id.owner()",
        "if (msg.sender != id.owner()",
        "anybody may withdraw for an owner",
    ),
    Canary(
        "withdraw-to-anybody",
        "missing permission",
        _HOUSE,
        "if (msg.sender != id.owner() && recipient != id.owner()) revert RecipientUnauthorized(recipient);",
        "",
        "an operator may withdraw to himself",
    ),
    Canary(
        "transfer-authorised-by-receiver",
        "missing permission",
        _HOUSE,
        "_authorize(from, PERMISSION_MARGIN);\n        if (amount == 0)",
        "_authorize(to, PERMISSION_MARGIN);\n        if (amount == 0)",
        "a transfer asks the owner of the receiving account",
    ),
    Canary(
        "mode-unauthorised",
        "missing permission",
        _HOUSE,
        "_authorize(id, PERMISSION_MARGIN);\n        Account memory account",
        "Account memory account",
        "anybody may set an account's mode",
    ),
    Canary(
        "permission-outlives-expiry",
        "expiry",
        _HOUSE,
        " && block.timestamp <= granted.expiresAt;",
        ";",
        "an operator's permission never ends",
    ),
    Canary(
        "permission-ends-early",
        "expiry",
        _HOUSE,
        "block.timestamp <= granted.expiresAt",
        "block.timestamp < granted.expiresAt",
        "an operator's permission ends a second early",
    ),
    Canary(
        "any-permission-serves",
        "missing permission",
        _HOUSE,
        "granted.flags & permission == permission",
        "granted.flags != 0",
        "an operator with one permission has them all",
    ),
    Canary(
        "anybody-executes",
        "missing permission",
        _HOUSE,
        "if (!isExecutor[msg.sender]) revert ExecutorUnauthorized(msg.sender);",
        "",
        "anybody may trade for anybody, at any price",
    ),
    Canary(
        "executors-set-by-anybody",
        "missing permission",
        _EXT,
        "function setExecutor(address executor, bool allowed) external delegated nonReentrant restricted {",
        "function setExecutor(address executor, bool allowed) external delegated nonReentrant {",
        "anybody may make himself an executor",
    ),
    Canary(
        "feeds-set-by-anybody",
        "missing permission",
        "PriceOracle.sol",
        "uint16 maxConfidence) external restricted {",
        "uint16 maxConfidence) external {",
        "anybody may replace a market's price feed",
    ),
    Canary(
        "transfer-to-another-owner",
        "missing permission",
        _HOUSE,
        "if (from == to || from.owner() != to.owner()) revert",
        "if (from == to) revert",
        "an operator may move quote to an account of his own",
    ),
    Canary(
        "reentrant-withdrawal",
        "reentrancy",
        _HOUSE,
        "function withdraw(AccountId id, uint128 amount, address recipient) external nonReentrant {",
        "function withdraw(AccountId id, uint128 amount, address recipient) external {",
        "a receiver may enter again while a withdrawal is under way",
    ),
)

MONEY = (
    Canary(
        "deposit-unit",
        "unit",
        _HOUSE,
        "int256 balance = _credit(id, int256(_toWad(amount)));",
        "int256 balance = _credit(id, int256(_toWad(amount) * 1e6));",
        "a token unit deposited is credited as a whole token",
    ),
    Canary(
        "short-deposit-taken-for-full",
        "token",
        _CORE,
        "if (received != amount) revert TransferMismatch(amount, received);",
        "",
        "a token that keeps a part of each transfer is credited in full",
    ),
    Canary(
        "short-payment-taken-for-full",
        "token",
        _CORE,
        "if (paid != amount) revert TransferMismatch(amount, paid);",
        "",
        "a withdrawal to the ledger itself is booked as paid",
    ),
    Canary(
        "deposit-event-names-owner",
        "event",
        _HOUSE,
        "emit Deposited(id, msg.sender, amount, balance);",
        "emit Deposited(id, id.owner(), amount, balance);",
        "a deposit's event names the owner as its payer",
    ),
    Canary(
        "treasury-threshold-unit",
        "treasury",
        _EXT,
        "uint256 threshold = uint256(_riskConfig.treasuryThreshold) * 1e18;",
        "uint256 threshold = uint256(_riskConfig.treasuryThreshold) * 1e16;",
        "the treasury's threshold is taken in cents",
    ),
    Canary(
        "treasury-takes-all",
        "treasury",
        _EXT,
        "uint256 surplus = state.insuranceBalance - threshold;",
        "uint256 surplus = state.insuranceBalance;",
        "the treasury gets the threshold, too, which the fund keeps",
    ),
    Canary(
        "treasury-takes-nothing",
        "off by one",
        _EXT,
        "if (state.insuranceBalance <= threshold) revert",
        "if (state.insuranceBalance < threshold) revert",
        "a surplus of zero can be collected",
    ),
)

CHECKS = (
    Canary(
        "withdraw-unchecked",
        "margin check",
        _HOUSE,
        "_requireInitialMargin(id);\n        emit Withdrawn",
        "emit Withdrawn",
        "a withdrawal does not ask for initial margin",
    ),
    Canary(
        "transfer-unchecked",
        "margin check",
        _HOUSE,
        "_move(from, to, int256(uint256(amount)));\n        _requireInitialMargin(from);",
        "_move(from, to, int256(uint256(amount)));",
        "a transfer does not ask for initial margin",
    ),
    Canary(
        "leverage-unchecked",
        "margin check",
        _HOUSE,
        "_requireInitialMargin(id);\n        }\n",
        "}\n",
        "raising leverage does not ask for initial margin",
    ),
    Canary(
        "leverage-giver-unchecked",
        "margin check",
        _HOUSE,
        "_requireInitialMargin(fundedBy);",
        "",
        "lowering leverage does not ask the other account for initial margin",
    ),
    Canary(
        "leverage-of-balance",
        "margin check",
        _HOUSE,
        "FixedPointMathLib.divUp(risk.notional * 1e18, leverage)) - risk.equity;",
        "FixedPointMathLib.divUp(risk.notional * 1e18, leverage)) - _accounts[id].unpack().balance;",
        "leverage is set without unrealised profit and loss",
    ),
    Canary(
        "margin-at-the-edge",
        "off by one",
        _HOUSE,
        (
            "AccountRisk memory risk = _riskOf(id, PriceQuality.Confirmed);\n"
            "        if (risk.equity < int256(risk.initialMargin)) revert MarginInsufficient"
        ),
        (
            "AccountRisk memory risk = _riskOf(id, PriceQuality.Confirmed);\n"
            "        if (risk.equity <= int256(risk.initialMargin)) revert MarginInsufficient"
        ),
        "an account that has exactly its initial margin is refused",
    ),
    Canary(
        "trade-at-maintenance",
        "margin check",
        _HOUSE,
        (
            "AccountRisk memory risk = _riskAfter(id, account, open, state);\n"
            "            if (risk.equity < int256(risk.initialMargin)) revert"
        ),
        (
            "AccountRisk memory risk = _riskAfter(id, account, open, state);\n"
            "            if (risk.equity < int256(risk.maintenanceMargin)) revert"
        ),
        "a position opens with its maintenance margin",
    ),
    Canary(
        "other-positions-ignored",
        "margin check",
        _HOUSE,
        "_addPending(risk, netting, id, account.openMarkets & ~open.id.toBit(), open, PriceQuality.Confirmed);",
        "",
        "a trade is checked as if it were the account's only position",
    ),
    Canary(
        "funding-not-owed",
        "margin check",
        "libraries/Margin.sol",
        "Pricing.worthDown(size, price) - position.shares.indexedUp(index - position.entryIndex);",
        "Pricing.worthDown(size, price);",
        "equity leaves out unsettled funding",
    ),
    Canary(
        "initial-floor-missing",
        "margin check",
        "libraries/Margin.sol",
        "risk.initialMargin = FixedPointMathLib.max(risk.initialMargin, ledger.minInitialMargin * CENT);",
        "",
        "a small position has no floor of initial margin",
    ),
    Canary(
        "bankrupt-close",
        "margin check",
        _HOUSE,
        "if (account.balance < 0) revert AccountBankrupt(order.account, account.balance);",
        "",
        "an account closes with a debt that nobody books",
    ),
    Canary(
        "isolated-limit-in-trade",
        "limit",
        _HOUSE,
        "_checkFill(order, fill, open);\n        if (_setOpen(account, open)) _requireMarketLimit(id, account);",
        "_checkFill(order, fill, open);\n        _setOpen(account, open);",
        "an isolated account may open a second market",
    ),
    Canary(
        "isolated-limit-in-mode",
        "limit",
        _HOUSE,
        "_requireMarketLimit(id, account);\n        _accounts[id] = account.pack();",
        "_accounts[id] = account.pack();",
        "an account with many markets may become isolated",
    ),
    Canary(
        "minimum-size-in-trade",
        "limit",
        _HOUSE,
        "if (!open.position.shares.isZero() && size < minSize) revert SizeBelowMinimum(size, minSize);",
        "",
        "a trade may leave dust",
    ),
    Canary(
        "acceptable-price-of-sales",
        "limit",
        _HOUSE,
        "if (fill.sizeDelta > 0 ? price > order.acceptablePrice : price < order.acceptablePrice) {",
        "if (fill.sizeDelta > 0 && price > order.acceptablePrice) {",
        "a sale ignores its acceptable price",
    ),
    Canary(
        "maker-fee-above-taker-fee",
        "bounds",
        "libraries/Bounds.sol",
        'check("makerFee", config.makerFee, 0, config.takerFee);',
        'check("makerFee", config.makerFee, 0, 1e4);',
        "a maker fee above the taker fee is accepted",
    ),
    Canary(
        "reward-above-penalty",
        "bounds",
        "libraries/Bounds.sol",
        'check("rewardRatio", config.rewardRatio, 0, config.penaltyRatio);',
        'check("rewardRatio", config.rewardRatio, 0, 5e4);',
        "a reward above the penalty is accepted",
    ),
    Canary(
        "pause-ignored",
        "pause",
        _HOUSE,
        "if (state.riskPaused) revert RiskPaused();",
        "",
        "positions grow while risk is paused",
    ),
    Canary(
        "pause-locks-in",
        "pause",
        _HOUSE,
        "_requireReduction(order, fill, open, account, requiredBefore);",
        (
            "if (state.riskPaused) revert RiskPaused();\n"
            "            _requireReduction(order, fill, open, account, requiredBefore);"
        ),
        "nobody gets out while risk is paused",
    ),
    Canary(
        "pause-lifted-by-parameters",
        "pause",
        _EXT,
        "state.minInitialMargin = config.minInitialMargin;",
        "state.minInitialMargin = config.minInitialMargin;\n        state.riskPaused = false;",
        "a change of parameters lifts a pause",
    ),
)

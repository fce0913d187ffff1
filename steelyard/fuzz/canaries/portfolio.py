"""Portfolio margin, its bounds and modes; concentration; initial margin that follows volatility."""

from __future__ import annotations

from steelyard.fuzz.canaries.canary import Canary

_HOUSE = "Clearinghouse.sol"
_EXT = "ClearinghouseExt.sol"
_BOUNDS = "libraries/Bounds.sol"
_MARGIN = "libraries/Margin.sol"
_PORTFOLIO = "libraries/Portfolio.sol"

NETTING = (
    Canary(
        "floor-dropped",
        "portfolio margin",
        _PORTFOLIO,
        "sums.hedgeable += part.abs();",
        "sums.hedgeable += margin.abs() * 1e4;",
        "all of a margin can be saved, not only its hedgeable part",
    ),
    Canary(
        "loading-unsigned",
        "portfolio margin",
        _PORTFOLIO,
        "part = word.signedAt(16) * margin;",
        "part = int256(word.signedAt(16).abs()) * margin;",
        "a market that moves against a factor counts as one that moves with it",
    ),
    Canary(
        "factor-forgotten",
        "portfolio margin",
        _PORTFOLIO,
        " + factors[2] * factors[2]);",
        ");",
        "the third factor moves nothing",
    ),
    Canary(
        "common-risk-forgotten",
        "portfolio margin",
        _PORTFOLIO,
        "uint256(sums.own + factors[0] * factors[0] + factors[1]",
        "uint256(sums.own + factors[1]",
        "what all markets lose together by the first factor is left out",
    ),
    Canary(
        "common-risk-twice",
        "portfolio margin",
        _PORTFOLIO,
        "sums.own += own - part * part;",
        "sums.own += own;",
        "what the third factor explains counts as the market's own risk, too",
    ),
    Canary(
        "hedgeable-not-squared",
        "portfolio margin",
        _PORTFOLIO,
        "int256 own = part * part;",
        "int256 own = part * margin * 1e4;",
        "a market's own risk is taken from its hedgeable part, not from the square of that",
    ),
    Canary(
        "direction-forgotten",
        "portfolio margin",
        _MARGIN,
        "return size * int256(price * config.marginRatio) / int256(RATIO_SCALE);",
        "return int256(size.abs() * price * config.marginRatio / RATIO_SCALE);",
        "a short offsets a short, and nothing offsets a long",
    ),
    Canary(
        "another-markets-netting",
        "portfolio margin",
        _HOUSE,
        "netting.add(open.size, open.mark.price(), config, _markets[open.id].portfolio);",
        "netting.add(open.size, open.mark.price(), config, _markets[MarketId.wrap(0)].portfolio);",
        "positions net by the parameters of the first market",
    ),
    Canary(
        "concentration-netted",
        "portfolio margin",
        _MARGIN,
        "return size * int256(price * config.marginRatio) / int256(RATIO_SCALE);",
        (
            "return size * int256(price * config.marginRatio) / int256(RATIO_SCALE)\n"
            "                * int256(growthUp(config, size.abs())) / 1e4;"
        ),
        "what concentration adds can be saved, too",
    ),
    Canary(
        "volatility-netted",
        "portfolio margin",
        _PORTFOLIO,
        "risk.initialMargin = FixedPointMathLib.max(risk.initialMargin - saving, risk.maintenanceMargin);",
        (
            "uint256 sum = 1;\n"
            "            for (uint256 i; i < netting.count; ++i) {\n"
            "                sum += netting.maintenance[i].abs();\n"
            "            }\n"
            "            saving = saving * risk.initialMargin * netting.fraction / (sum * 1e4);\n"
            "            risk.initialMargin =\n"
            "                FixedPointMathLib.max(risk.initialMargin - saving, risk.maintenanceMargin);"
        ),
        "what volatility adds is saved in proportion",
    ),
    Canary(
        "initial-under-maintenance",
        "portfolio margin",
        _PORTFOLIO,
        "FixedPointMathLib.max(risk.initialMargin - saving, risk.maintenanceMargin)",
        "risk.initialMargin - saving",
        "where maintenance fractions differ, a portfolio may open that can be liquidated at once",
    ),
    Canary(
        "saving-on-maintenance-unscaled",
        "portfolio margin",
        _PORTFOLIO,
        ": saving * netting.fraction / 1e4;",
        ": saving;",
        "maintenance margin saves as much as initial margin",
    ),
    Canary(
        "mixed-fractions-ignored",
        "portfolio margin",
        _PORTFOLIO,
        "else if (netting.fraction != config.maintenanceFraction) netting.isMixed = true;",
        "",
        "all maintenance margins save by the first market's fraction",
    ),
    Canary(
        "one-market-netted",
        "portfolio margin",
        _HOUSE,
        "return account.mode == MarginMode.Portfolio && withoutLowest(account.openMarkets) != 0;",
        "return account.mode == MarginMode.Portfolio && account.openMarkets != 0;",
        "an account with one position is held to what only offsets call for",
    ),
    Canary(
        "liquidated-without-offsets",
        "portfolio margin",
        _HOUSE,
        "if (!positions[i].position.shares.isZero()) _addAccrued(risk, netting, positions[i]);",
        (
            "Netting memory none;\n"
            "            if (!positions[i].position.shares.isZero()) _addAccrued(risk, none, positions[i]);"
        ),
        "a portfolio is liquidated as if its positions did not offset each other",
    ),
    Canary(
        "round-saving",
        "rounding",
        _PORTFOLIO,
        "return (sums.hedgeable - risk) / 1e4;",
        "return FixedPointMathLib.divUp(sums.hedgeable - risk, 1e4);",
        "what a portfolio saves is rounded up",
    ),
    Canary(
        "round-root",
        "rounding",
        "libraries/FixedPoint.sol",
        "if (root * root < square) root += 1;",
        "",
        "a standard deviation is rounded down",
    ),
    Canary(
        "stress-dropped",
        "stress scenario",
        _PORTFOLIO,
        "(uint256 risk,) = stressRisk(sums);",
        "uint256 risk;",
        "a portfolio need not bear the scenarios that are named",
    ),
    Canary(
        "factors-dropped",
        "portfolio margin",
        _PORTFOLIO,
        "if (risk * risk < square) risk = FixedPoint.sqrtUp(square);",
        "if (risk == 0) risk = FixedPoint.sqrtUp(square);",
        "factors count only where no scenario loses",
    ),
    Canary(
        "stress-sign",
        "stress scenario",
        _PORTFOLIO,
        "losses[0] -= word.signedAt(64) * margin;",
        "losses[0] += word.signedAt(64) * margin;",
        "a gain in the first scenario counts as its loss",
    ),
    Canary(
        "last-scenario-forgotten",
        "stress scenario",
        _PORTFOLIO,
        "i < 8; ++i",
        "i < 7; ++i",
        "the last of the scenarios is never looked at",
    ),
    Canary(
        "last-scenario-binds",
        "stress scenario",
        _PORTFOLIO,
        "if (loss > int256(risk)) (risk, scenario)",
        "if (loss > 0) (risk, scenario)",
        "the last scenario that loses counts, not the one that loses most",
    ),
)

MODES = (
    Canary(
        "mode-switch-unchecked",
        "mode switch",
        _HOUSE,
        "if (isNetted) _requireInitialMargin(id);",
        "",
        "a portfolio becomes a cross account without the margin of one",
    ),
    Canary(
        "mode-switch-judged-afterwards",
        "mode switch",
        _HOUSE,
        "bool isNetted = _isNetted(account);\n        account.mode = mode;",
        "account.mode = mode;\n        bool isNetted = _isNetted(account);",
        "margin is asked of who becomes a portfolio, not of who stops being one",
    ),
    Canary(
        "reduction-judged-by-one-leg",
        "mode switch",
        _HOUSE,
        "isOpposite && _isNetted(account) ? _riskOf(id, PriceQuality.Fresh).maintenanceMargin : 0;",
        "isOpposite && _isNetted(account) ? 0 : 0;",
        "a portfolio that loses its hedge is taken to release margin",
    ),
)

PARAMETERS = (
    Canary(
        "loading-unbounded",
        "bounds",
        _BOUNDS,
        'squares += _checkMagnitude("loading", config.loadings[i], config.hedgeable) ** 2;',
        "squares += FixedPointMathLib.abs(config.loadings[i]) ** 2;",
        "a single loading is not bounded",
    ),
    Canary(
        "loadings-unbounded",
        "bounds",
        _BOUNDS,
        'check("loadings", squares, 0, config.hedgeable * config.hedgeable);',
        "",
        "loadings together may exceed what is hedgeable: a market's own risk has a negative square",
    ),
    Canary(
        "shock-unbounded",
        "bounds",
        _BOUNDS,
        '_checkMagnitude("shock", config.shocks[i], config.hedgeable);',
        "",
        "a scenario may ask for more than the margins added up",
    ),
    Canary(
        "hedge-for-free",
        "bounds",
        _BOUNDS,
        'check("hedgeable", config.hedgeable, 0, 9900);',
        'check("hedgeable", config.hedgeable, 0, 10000);',
        "a hedge may need no margin at all",
    ),
    Canary(
        "concentration-without-limit",
        "bounds",
        _BOUNDS,
        'check("concentration", config.concentration, 0, 5e4);',
        "",
        "concentration may ask for any margin",
    ),
    Canary(
        "volatility-without-limit",
        "bounds",
        _BOUNDS,
        'check("volatilityMultiple", config.volatilityMultiple, 0, 2e3);',
        "",
        "volatility may ask for any margin",
    ),
    Canary(
        "insurance-cap-unbounded",
        "bounds",
        _EXT,
        'Bounds.check("insuranceCap", cap, 0, 1e10);',
        "",
        "a market's cap on the insurance fund has no upper end",
    ),
    Canary(
        "netting-set-by-anybody",
        "missing permission",
        _EXT,
        "(MarketId id, PortfolioConfig calldata config) external delegated nonReentrant restricted {",
        "(MarketId id, PortfolioConfig calldata config) external delegated nonReentrant {",
        "anybody may say how markets offset each other",
    ),
    Canary(
        "netting-of-no-market",
        "limit",
        _EXT,
        "_requireMarket(id);\n        _markets[id].portfolio = config.pack();",
        "_markets[id].portfolio = config.pack();",
        "parameters are taken for a market that is not listed",
    ),
)

REQUIREMENTS = (
    Canary(
        "concentration-not-in-maintenance",
        "concentration",
        _MARGIN,
        "value * grown(config.marginRatio, growth) * config.maintenanceFraction",
        "value * config.marginRatio * 1e4 * config.maintenanceFraction",
        "a large position opens with more margin, and is liquidated at no more",
    ),
    Canary(
        "concentration-rounded-down",
        "concentration",
        _MARGIN,
        "return 1e4 + FixedPoint.ratioUp(config.concentration * size, Pricing.depth(config));",
        "return 1e4 + config.concentration * size / Pricing.depth(config);",
        "what concentration multiplies margin by is rounded down",
    ),
    Canary(
        "concentration-before-the-fill",
        "concentration",
        _HOUSE,
        "AccountRisk memory risk = _riskAfter(id, account, open, state);",
        (
            "open.market.config.concentration =\n"
            "                open.market.config.concentration * sizeBefore.abs() / open.size.abs();\n"
            "            AccountRisk memory risk = _riskAfter(id, account, open, state);"
        ),
        "a trade is checked at the concentration of the position before it",
    ),
    Canary(
        "margin-over-the-notional",
        "concentration",
        _MARGIN,
        "return FixedPointMathLib.min(ratio * growth, 1e8);",
        "return ratio * growth;",
        "concentration asks for more than all of the notional",
    ),
    Canary(
        "volatility-liquidates",
        "volatility margin",
        _MARGIN,
        "value * grown(config.marginRatio, growth) * config.maintenanceFraction",
        "value * grown(initialRatioUp(config, mark.variance()), growth) * config.maintenanceFraction",
        "maintenance margin follows volatility: a print liquidates who has lost nothing",
    ),
    Canary(
        "volatility-uncapped",
        "volatility margin",
        _MARGIN,
        "uint256 cap = FixedPointMathLib.min(MAX_VOLATILITY_FACTOR * ratio, 1e4);",
        "uint256 cap = 1e4;",
        "one bad print freezes a market",
    ),
    Canary(
        "calm-lowers-margin",
        "volatility margin",
        _MARGIN,
        "if (!isVolatile(config, variance)) return ratio;",
        "if (config.volatilityMultiple == 0) return ratio;",
        "a calm market asks for less than its margin ratio",
    ),
    Canary(
        "volatility-released",
        "volatility margin",
        _HOUSE,
        "? int256(Margin.maintenanceUp(open.market.config, fill.sizeDelta.abs(), price))",
        (
            "? int256(\n"
            "                Margin.maintenanceUp(open.market.config, fill.sizeDelta.abs(), price)\n"
            "                    * Margin.initialRatioUp(open.market.config, open.mark.variance())\n"
            "                    / open.market.config.marginRatio\n"
            "            )"
        ),
        "a reduction is taken to release what volatility asks for",
    ),
    Canary(
        "variance-not-read",
        "volatility margin",
        "libraries/Words.sol",
        "(uint256(uint64(raw >> 160)) << 96)",
        "(uint256(uint32(raw >> 160)) << 96)",
        "a margin check reads the low half of the variance",
    ),
)

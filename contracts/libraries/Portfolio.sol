// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";
import {AccountRisk} from "../types/Account.sol";
import {MarketConfig, PortfolioWord} from "../types/Market.sol";
import {FixedPoint} from "./FixedPoint.sol";
import {Margin} from "./Margin.sol";

/// @notice Signed margins of an account's positions, for what they save together; without room for accounts that add up.
/// @param count of positions so far
/// @param fraction maintenance fraction that all markets so far share [1e-4]
/// @param isMixed whether they have more than one
/// @param initial margin of each position before volatility and concentration, negative for shorts [quote wad]
/// @param maintenance the same times each market's maintenance fraction
/// @param words how each market nets
struct Netting {
    uint256 count;
    uint256 fraction;
    bool isMixed;
    int256[] initial;
    int256[] maintenance;
    PortfolioWord[] words;
}

/// @notice Portfolio margin as what offsets save of the margins added up.
/// @dev With z the signed margins, h the hedgeable parts, b the loadings and s the shocks,
/// M(z) = sum((1 - h_i) |z_i|) + max( sqrt(sum_k (sum_i b_ik z_i)^2 + sum_i (h_i^2 - |b_i|^2) z_i^2), max_j(-sum_i s_ij z_i) )
/// and the saving is sum(|z_i|) - M(z), not negative because |b_i| <= h_i and |s_ij| <= h_i. M is a norm where it is
/// finite: homogeneous, sub-additive, and |z| for one market. What volatility and concentration add is never netted.
/// Unchecked: |z| < 2^104, times 1e4 < 2^118, of at most 120 markets < 2^125, in squares, three factors < 2^252.
library Portfolio {
    using FixedPoint for int256;

    /// @dev Larger margins, over 20 trillion quote, save nothing.
    uint256 private constant MAX_MARGIN = 1 << 104;
    uint256 private constant LOADINGS_FROM = 16;
    uint256 private constant SHOCKS_FROM = 64;
    uint256 private constant SHOCKS_TO = 192;

    /// @notice Room for `count` positions.
    function start(uint256 count) internal pure returns (Netting memory netting) {
        netting.initial = new int256[](count);
        netting.maintenance = new int256[](count);
        netting.words = new PortfolioWord[](count);
    }

    /// @notice Adds a position of `size`.
    function add(Netting memory netting, int256 size, uint256 price, MarketConfig memory config, PortfolioWord word)
        internal
        pure
    {
        unchecked {
            uint256 i = netting.count++;
            int256 margin = Margin.baseMargin(config, size, price);
            if (margin.abs() >= MAX_MARGIN) margin = 0;
            if (i == 0) netting.fraction = config.maintenanceFraction;
            else if (netting.fraction != config.maintenanceFraction) netting.isMixed = true;
            netting.initial[i] = margin;
            netting.maintenance[i] = margin * int256(config.maintenanceFraction) / 1e4;
            netting.words[i] = word;
        }
    }

    /// @notice Lowers the requirements in `risk` by what the positions save together.
    /// @dev Where maintenance fractions differ, the smaller one of two legs can leave more at maintenance than both at
    /// initial margin: initial margin is never the lower one.
    function settle(Netting memory netting, AccountRisk memory risk) internal pure {
        unchecked {
            uint256 saving = savingDown(netting.initial, netting.words);
            risk.maintenanceMargin -= netting.isMixed
                ? savingDown(netting.maintenance, netting.words)
                : saving * netting.fraction / 1e4;
            risk.initialMargin = FixedPointMathLib.max(risk.initialMargin - saving, risk.maintenanceMargin);
        }
    }

    /// @notice What `margins` need less together than one by one, down [quote wad].
    function savingDown(int256[] memory margins, PortfolioWord[] memory words) internal pure returns (uint256) {
        unchecked {
            (uint256 hedgeable, uint256 factors) = factorRiskUp(margins, words);
            (uint256 stress,) = stressRisk(margins, words);
            return (hedgeable - FixedPointMathLib.max(factors, stress)) / 1e4;
        }
    }

    /// @return hedgeable sum of what each of `margins` could save [1e-4 of quote wad]
    /// @return risk standard deviation of what they lose together, in the same unit, up
    function factorRiskUp(int256[] memory margins, PortfolioWord[] memory words)
        internal
        pure
        returns (uint256 hedgeable, uint256 risk)
    {
        unchecked {
            uint256 count = margins.length;
            int256 square;
            for (uint256 i; i < count; ++i) {
                int256 part = int256(words[i].hedgeable()) * margins[i];
                hedgeable += part.abs();
                square += part * part;
            }
            for (uint256 bit = LOADINGS_FROM; bit < SHOCKS_FROM; bit += 16) {
                int256 exposure;
                for (uint256 i; i < count; ++i) {
                    int256 part = words[i].signedAt(bit) * margins[i];
                    exposure += part;
                    square -= part * part;
                }
                square += exposure * exposure;
            }
            risk = FixedPoint.sqrtUp(uint256(square));
        }
    }

    /// @return risk largest loss in a joint scenario [1e-4 of quote wad], 0 where none loses
    /// @return scenario that loses most, the first of several
    function stressRisk(int256[] memory margins, PortfolioWord[] memory words)
        internal
        pure
        returns (uint256 risk, uint256 scenario)
    {
        unchecked {
            uint256 count = margins.length;
            for (uint256 bit = SHOCKS_FROM; bit < SHOCKS_TO; bit += 16) {
                int256 loss;
                for (uint256 i; i < count; ++i) {
                    loss -= words[i].signedAt(bit) * margins[i];
                }
                if (loss > int256(risk)) (risk, scenario) = (uint256(loss), (bit - SHOCKS_FROM) / 16);
            }
        }
    }
}

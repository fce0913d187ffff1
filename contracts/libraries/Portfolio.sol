// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";
import {AccountRisk} from "../types/Account.sol";
import {MarketConfig, PortfolioWord} from "../types/Market.sol";
import {FixedPoint} from "./FixedPoint.sol";
import {Margin} from "./Margin.sol";

/// @notice Sums over signed margins z: all that portfolio margin is made of.
/// @param hedgeable sum of h_i |z_i| [1e-4 of quote wad]
/// @param own sum of (h_i^2 - |b_i|^2) z_i^2, the square of what markets risk by themselves [1e-8 of quote wad squared]
/// @param factors sum of b_ik z_i for each common factor [1e-4 of quote wad]
/// @param losses -sum of s_ij z_i for each joint scenario [1e-4 of quote wad]
struct Sums {
    uint256 hedgeable;
    int256 own;
    int256[3] factors;
    int256[8] losses;
}

/// @notice An account's positions, for what they save together; without room for accounts whose margins add up.
/// @param count of positions so far
/// @param fraction maintenance fraction that all markets so far share [1e-4]
/// @param isMixed whether they have more than one
/// @param initial sums over the margins before volatility and concentration, negative for shorts: one record, or none, which
/// takes no memory
/// @param maintenance the margins times each market's maintenance fraction [quote wad]
/// @param words how each market nets
struct Netting {
    uint256 count;
    uint256 fraction;
    bool isMixed;
    Sums[] initial;
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

    /// @notice Room for `count` positions.
    function start(uint256 count) internal pure returns (Netting memory netting) {
        netting.initial = new Sums[](1);
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
            include(netting.initial[0], margin, word);
            netting.maintenance[i] = margin * int256(config.maintenanceFraction) / 1e4;
            netting.words[i] = word;
        }
    }

    /// @notice Lowers the requirements in `risk` by what the positions save together.
    /// @dev Where maintenance fractions differ, the smaller one of two legs can leave more at maintenance than both at
    /// initial margin: initial margin is never the lower one.
    function settle(Netting memory netting, AccountRisk memory risk) internal pure {
        unchecked {
            uint256 saving = savingDown(netting.initial[0]);
            risk.maintenanceMargin -= netting.isMixed
                ? savingDown(_maintenanceOf(netting))
                : saving * netting.fraction / 1e4;
            risk.initialMargin = FixedPointMathLib.max(risk.initialMargin - saving, risk.maintenanceMargin);
        }
    }

    /// @notice Adds a signed margin to `sums`.
    function include(Sums memory sums, int256 margin, PortfolioWord word) internal pure {
        unchecked {
            int256 part = int256(word.hedgeable()) * margin;
            sums.hedgeable += part.abs();
            int256 own = part * part;
            int256[3] memory factors = sums.factors;
            part = word.signedAt(16) * margin;
            factors[0] += part;
            own -= part * part;
            part = word.signedAt(32) * margin;
            factors[1] += part;
            own -= part * part;
            part = word.signedAt(48) * margin;
            factors[2] += part;
            sums.own += own - part * part;
            int256[8] memory losses = sums.losses;
            losses[0] -= word.signedAt(64) * margin;
            losses[1] -= word.signedAt(80) * margin;
            losses[2] -= word.signedAt(96) * margin;
            losses[3] -= word.signedAt(112) * margin;
            losses[4] -= word.signedAt(128) * margin;
            losses[5] -= word.signedAt(144) * margin;
            losses[6] -= word.signedAt(160) * margin;
            losses[7] -= word.signedAt(176) * margin;
        }
    }

    /// @notice What the margins in `sums` need less together than one by one, down [quote wad].
    /// @dev The larger of both risks is known from its square: a root is drawn only where it counts.
    function savingDown(Sums memory sums) internal pure returns (uint256) {
        unchecked {
            (uint256 risk,) = stressRisk(sums);
            uint256 square = factorSquare(sums);
            if (risk * risk < square) risk = FixedPoint.sqrtUp(square);
            return (sums.hedgeable - risk) / 1e4;
        }
    }

    /// @notice Square of the standard deviation of what the margins lose together [1e-8 of quote wad squared].
    function factorSquare(Sums memory sums) internal pure returns (uint256) {
        unchecked {
            int256[3] memory factors = sums.factors;
            return uint256(sums.own + factors[0] * factors[0] + factors[1] * factors[1] + factors[2] * factors[2]);
        }
    }

    /// @return risk largest loss in a joint scenario [1e-4 of quote wad], 0 where none loses
    /// @return scenario that loses most, the first of several
    function stressRisk(Sums memory sums) internal pure returns (uint256 risk, uint256 scenario) {
        unchecked {
            for (uint256 i; i < 8; ++i) {
                int256 loss = sums.losses[i];
                if (loss > int256(risk)) (risk, scenario) = (uint256(loss), i);
            }
        }
    }

    function _maintenanceOf(Netting memory netting) private pure returns (Sums memory sums) {
        for (uint256 i; i < netting.count; ++i) {
            include(sums, netting.maintenance[i], netting.words[i]);
        }
    }
}

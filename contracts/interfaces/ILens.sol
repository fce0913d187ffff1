// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccountId} from "../types/AccountId.sol";
import {MarketId} from "../types/MarketId.sol";
import {AccountView, MarginView, MarketView, PoolView, PositionView, Quote} from "../types/Views.sol";
import {IClearinghouse} from "./IClearinghouse.sol";

/// @title Read-only views of accounts, markets and the pool, many in one call.
/// @notice Runs the clearinghouse's own libraries on its state, so it cannot disagree with it. Every function that
/// values something reverts with the oracle's errors where a price is missing, stale or uncertain.
interface ILens {
    /// @notice A quote for nothing, or for less than a share.
    error SizeZero();

    function CLEARINGHOUSE() external view returns (IClearinghouse);

    /// @notice Health, leverage and requirements of one account. The pool has a view of its own.
    /// @dev Errors: AccountReserved, the oracle's.
    function accountView(AccountId account) external view returns (AccountView memory);

    /// @notice The same of many accounts, in their order.
    function accountViews(AccountId[] calldata accounts) external view returns (AccountView[] memory views);

    /// @notice Ledger balances of many accounts, the pool and the insurance fund included [quote wad].
    function balancesOf(AccountId[] calldata accounts) external view returns (int256[] memory balances);

    /// @notice The open positions of an account, lowest market first.
    function positionsOf(AccountId account) external view returns (PositionView[] memory positions);

    /// @notice What the positions of an account would require in each margin mode, in the order of `MarginMode`; isolated
    /// means an account of its own for each.
    function marginsOf(AccountId account) external view returns (MarginView[3] memory views);

    /// @notice The price of `market` beyond which the account is under its maintenance margin, other prices as they
    /// are: a long is healthy at it and above, a short at it and below. 0 where no price liquidates a long, or where
    /// none saves a short.
    /// @dev long: up((MM' - E') / (s*(1 - k*m))); short: down((E' - MM') / (|s|*(1 + k*m))), with E' and MM' the
    /// account's equity and requirement without the position's worth and requirement; and the floor of the requirement;
    /// where positions net, searched to the wei.
    /// Errors: PositionMissing, the oracle's.
    function liquidationPrice(AccountId account, MarketId market) external view returns (uint256 price);

    /// @notice The joint move that liquidates: the account is healthy while all of its prices are multiplied by one number
    /// from `lowest` to `highest` [wad]. `lowest` is 0 where no fall liquidates it, and `highest` the maximum of the type where
    /// no rise does; `lowest` is above `highest` where no joint move saves it.
    /// @dev With C the balance less unsettled funding, X the sum of size * P, and MM the requirement without its floor F, all
    /// of now, both sides of C + f*X >= max(f*MM, F) are linear in f, because concentration goes by size alone. Solved
    /// for f, against the account; exact but for the roundings of each position's margin, a wei each.
    /// Errors: the oracle's.
    function liquidationFactors(AccountId account) external view returns (uint256 lowest, uint256 highest);

    /// @notice The largest buy, or the largest sale as a negative number, that the account could place now: the largest
    /// `sizeDelta` after which it has its initial margin, within the open-interest cap, the limit of open markets and the
    /// smallest position; 0 where there is none. A pause of risk leaves reductions. A reduction needs no initial margin: it
    /// may be placed whatever this says.
    /// @dev Equity less initial margin is concave in the size of an order: impact, fee, concentration and netted margin are
    /// convex. So the sizes that pass are those between two ends, which need not begin at 0: a hedge frees margin before it
    /// needs some. Found to the wei by bisection: it passes, and one wei more does not; where only orders above 0 pass, fewer
    /// than eight sizes that do may be missed. Where only closing passes, for want of the floor, that is the answer; sizes that
    /// would leave less than the smallest position are stepped over. Whether balances fit their types is not looked at.
    /// Errors: MarketUnknown, the oracle's.
    function largestOrder(AccountId account, MarketId market, bool isBuy) external view returns (int128 sizeDelta);

    /// @notice What a trade of `sizeDelta` would do now. The fill of an order uses the first price after its delay.
    /// @dev Says what would be left and what is required; it does not revert for want of margin.
    /// Errors: SizeZero, MarketUnknown, OpenInterestExceeded, the oracle's.
    function quote(AccountId account, MarketId market, int128 sizeDelta) external view returns (Quote memory);

    /// @notice All listed markets.
    function marketViews() external view returns (MarketView[] memory views);

    /// @notice The pool, valued over all listed markets.
    function poolView() external view returns (PoolView memory);
}

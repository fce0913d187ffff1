// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccountId} from "./AccountId.sol";
import {MarketId} from "./MarketId.sol";

/// @notice What an executor asks of the clearinghouse.
/// @param account that trades
/// @param market traded
/// @param sizeDelta change of the position [base wad], positive buys
/// @param price oracle price of the fill before skew [wad]; the executor answers for it
/// @param acceptablePrice worst average fill price, the highest for a buy, the lowest for a sale [wad]
/// @param keeper account that gets the keeper fee
/// @param keeperFee paid by the account [quote wad]
/// @param reduceOnly whether `sizeDelta` is clamped to what brings the position to zero, a small rest
/// included
/// @param isConfirmed whether the market's guard confirms `price`, which a fill that raises risk needs
struct Trade {
    AccountId account;
    MarketId market;
    int128 sizeDelta;
    uint96 price;
    uint128 acceptablePrice;
    AccountId keeper;
    uint96 keeperFee;
    bool reduceOnly;
    bool isConfirmed;
}

/// @notice What a fill did.
/// @param sizeDelta change of the position [base wad]
/// @param cost quote paid for it, negative when received [wad]
/// @param fee taker and maker fee [quote wad]
/// @param funding settled on the way, negative when received [quote wad]
struct Fill {
    int256 sizeDelta;
    int256 cost;
    uint256 fee;
    int256 funding;
}

/// @notice What a liquidation did [quote wad].
/// @param closedNotional notional closed at oracle prices, down
/// @param reward paid to the liquidator
/// @param penalty paid to the insurance fund beyond the reward
/// @param badDebt paid by the insurance fund and the pool
struct LiquidationResult {
    uint256 closedNotional;
    uint256 reward;
    uint256 penalty;
    uint256 badDebt;
}

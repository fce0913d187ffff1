// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccountRisk, MarginMode} from "./Account.sol";
import {AccountId} from "./AccountId.sol";
import {MarketId} from "./MarketId.sol";

/// @notice An account at current prices.
/// @param risk equity and requirements, pending funding included [quote wad]
/// @param leverage notional / equity [wad], up; the maximum of the type where equity is not positive
/// @param health equity / maintenance margin [wad], down; the maximum of the type where nothing is required
/// @param isLiquidatable whether equity is under the maintenance margin
struct AccountView {
    AccountId account;
    int256 balance;
    MarginMode mode;
    uint256 openMarkets;
    AccountRisk risk;
    uint256 leverage;
    int256 health;
    bool isLiquidatable;
}

/// @notice A position at current prices.
/// @param size [base wad]
/// @param notional |size| * price [quote wad], up
/// @param unsettledFunding what the position owes since it was last touched [quote wad], up
/// @param liquidationPrice see `ILens.liquidationPrice`
struct PositionView {
    MarketId market;
    int256 size;
    uint256 notional;
    int256 unsettledFunding;
    uint256 liquidationPrice;
}

/// @notice A market at its last price, whatever its age and confidence.
/// @param price [wad], 0 before the first
/// @param publishedAt of the price [seconds]
/// @param variance realised [wad per day]
/// @param skew longs less shorts [base wad]
/// @param longOpenInterest [base wad]
/// @param shortOpenInterest [base wad]
/// @param openInterestCap of each side [base wad]
/// @param fundingRate at this moment [1e-18 per second], longs pay when positive
/// @param fundingVelocity [1e-18 per second^2]
/// @param longIndex brought up to date [quote wad per share]
/// @param shortIndex brought up to date [quote wad per share]
struct MarketView {
    MarketId market;
    uint256 price;
    uint256 publishedAt;
    uint256 variance;
    int256 skew;
    uint256 longOpenInterest;
    uint256 shortOpenInterest;
    uint256 openInterestCap;
    int256 fundingRate;
    int256 fundingVelocity;
    int256 longIndex;
    int256 shortIndex;
}

/// @notice The pool and the insurance fund at current prices [quote wad].
/// @param balance ledger balance of the pool
/// @param equity balance - sum of skew * price + unsettled funding, down
/// @param netAssetValue equity - what traders would be paid for unwinding, down
/// @param insurance balance of the insurance fund
/// @param tokensHeld settlement tokens in the clearinghouse [token units]
struct PoolView {
    int256 balance;
    int256 equity;
    int256 netAssetValue;
    uint256 insurance;
    uint256 tokensHeld;
}

/// @notice What a trade would do at the current oracle price.
/// @param sizeDelta change of the position, rounded to whole shares [base wad]
/// @param fillPrice average, against the trader [wad]
/// @param cost quote paid, negative when received [wad]
/// @param fee taker and maker fee [quote wad]
/// @param funding settled on the way [quote wad]
/// @param sizeAfter of the position [base wad]
/// @param riskBefore of the account
/// @param riskAfter of the account
/// @param marginAfter what that requirement is made of
/// @param marginChanges what the trade needs, in the order of `MarginMode`
struct Quote {
    int256 sizeDelta;
    uint256 fillPrice;
    int256 cost;
    uint256 fee;
    int256 funding;
    int256 sizeAfter;
    AccountRisk riskBefore;
    AccountRisk riskAfter;
    MarginView marginAfter;
    MarginChange[3] marginChanges;
}

/// @notice Requirements after a trade less those before, in one mode: what it uses, or what it frees where negative
/// [quote wad].
struct MarginChange {
    int256 initialMargin;
    int256 maintenanceMargin;
}

/// @notice What decides an account's initial margin.
/// @param None nothing is required
/// @param Sum margins added up
/// @param Factors netted, risk on common factors is what remains
/// @param Stress netted, one of the joint scenarios is what remains
/// @param Maintenance netted, the maintenance margin is the higher one
/// @param Floor the least margin of any account with a position
enum MarginTerm {
    None,
    Sum,
    Factors,
    Stress,
    Maintenance,
    Floor
}

/// @notice Requirements of one set of positions in one mode, and what they are made of [quote wad].
/// @param mode that they are of
/// @param initialMargin up
/// @param maintenanceMargin up
/// @param binding what decides the initial margin
/// @param scenario that costs most of the eight, where `binding` is Stress
/// @param volatileMarkets bitmap of the markets whose volatility raises their initial margin
/// @param saving what offsets take off the initial margins added up, down
struct MarginView {
    MarginMode mode;
    uint256 initialMargin;
    uint256 maintenanceMargin;
    MarginTerm binding;
    uint256 scenario;
    uint256 volatileMarkets;
    uint256 saving;
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IClearinghouseCore} from "./interfaces/IClearinghouseCore.sol";
import {IPriceOracle} from "./interfaces/IPriceOracle.sol";
import {Account, AccountWord, Permission, Position, PositionWord} from "./types/Account.sol";
import {AccountId, toAccountId} from "./types/AccountId.sol";
import {LedgerWord, RiskConfig} from "./types/Ledger.sol";
import {Mark} from "./types/Mark.sol";
import {Market, MarketWords} from "./types/Market.sol";
import {MarketId} from "./types/MarketId.sol";

/// @title What both halves of the clearinghouse share: storage, loading and storing, balances, tokens.
/// @dev Every entry point has one shape: authorise, load and accrue, change memory, check, store, event, interaction.
abstract contract ClearinghouseCore is IClearinghouseCore, AccessManaged, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    /// @dev Wad per unit of the settlement token.
    uint256 private constant UNIT = 1e12;

    IERC20 public immutable TOKEN;
    IPriceOracle public immutable ORACLE;
    AccountId public immutable TREASURY;

    mapping(AccountId account => AccountWord) internal _accounts;
    mapping(AccountId account => mapping(MarketId market => PositionWord)) internal _positions;
    mapping(MarketId market => MarketWords) internal _markets;
    mapping(address owner => mapping(address operator => Permission)) internal _permissions;
    mapping(address executor => bool allowed) public isExecutor;
    LedgerWord internal _ledger;
    RiskConfig internal _riskConfig;
    /// @inheritdoc IClearinghouseCore
    uint8 public marketCount;
    /// @inheritdoc IClearinghouseCore
    address public vault;

    /// @dev One market of an account in memory; `closedNotional` is what a liquidation has closed of it.
    struct OpenPosition {
        MarketId id;
        Mark mark;
        int256 size;
        Market market;
        Position position;
        uint256 closedNotional;
    }

    constructor(address authority, IERC20 token, IPriceOracle oracle, address treasury) AccessManaged(authority) {
        TOKEN = token;
        ORACLE = oracle;
        TREASURY = toAccountId(treasury, 0);
    }

    // ---- storage

    /// @dev A multiplier is never zero once a market is listed.
    function _loadMarket(Market memory market, MarketId id) internal view {
        _markets[id].unpackInto(market);
        if (market.longs.multiplier == 0) revert MarketUnknown(id);
    }

    function _storeMarket(MarketId id, Market memory market) internal {
        MarketWords storage words = _markets[id];
        words.longs = market.longs.pack();
        words.shorts = market.shorts.pack();
        words.funding = market.funding.pack();
    }

    function _emitAccrued(MarketId id, Market memory market) internal {
        emit FundingAccrued(id, market.funding.rate, market.longs.index, market.shorts.index);
    }

    // ---- balances

    function _credit(AccountId id, int256 amount) internal returns (int256 balance) {
        Account memory account = _accounts[id].unpack();
        balance = account.balance + amount;
        account.balance = balance;
        _accounts[id] = account.pack();
    }

    function _toWad(uint128 amount) internal pure returns (uint256) {
        if (amount == 0) revert AmountZero();
        return uint256(amount) * UNIT;
    }

    /// @dev Pays `amount` token units out.
    function _push(address recipient, uint128 amount) internal {
        uint256 held = TOKEN.balanceOf(address(this));
        TOKEN.safeTransfer(recipient, amount);
        uint256 paid = held - TOKEN.balanceOf(address(this));
        if (paid != amount) revert TransferMismatch(amount, paid);
    }

    /// @dev Takes `amount` token units from the caller; a token that keeps a part of it is refused.
    function _pull(uint128 amount) internal {
        uint256 held = TOKEN.balanceOf(address(this));
        TOKEN.safeTransferFrom(msg.sender, address(this), amount);
        uint256 received = TOKEN.balanceOf(address(this)) - held;
        if (received != amount) revert TransferMismatch(amount, received);
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice A ledger account: `owner << 96 | index`, so that one owner has 2^96 accounts and ownership needs no storage.
type AccountId is uint256;

using {owner, isReserved, equals as ==} for AccountId global;

/// @dev The liquidity pool: counterparty of every fill, owned by nobody.
AccountId constant POOL_ACCOUNT = AccountId.wrap(1);
/// @dev The insurance fund: first payer of bad debt, owned by nobody.
AccountId constant INSURANCE_ACCOUNT = AccountId.wrap(2);

/// @notice The `accountIndex`-th account of `accountOwner`.
function toAccountId(address accountOwner, uint96 accountIndex) pure returns (AccountId) {
    return AccountId.wrap((uint256(uint160(accountOwner)) << 96) | accountIndex);
}

function owner(AccountId account) pure returns (address) {
    return address(uint160(AccountId.unwrap(account) >> 96));
}

/// @dev Accounts of the zero address are the protocol's own (pool, insurance) or nobody's.
function isReserved(AccountId account) pure returns (bool) {
    return owner(account) == address(0);
}

function equals(AccountId a, AccountId b) pure returns (bool) {
    return AccountId.unwrap(a) == AccountId.unwrap(b);
}

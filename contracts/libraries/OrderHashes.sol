// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Order, Terms} from "../types/Order.sol";

/// @notice Hashes of orders, as EIP-712 defines them: what is stored and what is signed.
library OrderHashes {
    string private constant ORDER =
        "Order(uint256 account,uint8 market,uint8 slot,uint40 expiresAt,int128 sizeDelta,uint128 acceptablePrice,uint96 keeperFee,bool reduceOnly)";
    string private constant TERMS =
        "Terms(uint8 kind,uint96 triggerPrice,uint96 stopPrice,uint96 targetPrice,uint32 distance,uint16 slices,uint32 interval)";
    bytes32 private constant ORDER_TYPEHASH = keccak256(bytes(ORDER));
    bytes32 private constant TERMS_TYPEHASH = keccak256(bytes(TERMS));
    bytes32 private constant SIGNED_ORDER_TYPEHASH =
        keccak256(abi.encodePacked("SignedOrder(Order order,uint256 nonce)", ORDER));
    bytes32 private constant SIGNED_PLACED_ORDER_TYPEHASH =
        keccak256(abi.encodePacked("SignedPlacedOrder(Order order,Terms terms,uint256 nonce)", ORDER, TERMS));

    /// @notice Hash of an order.
    function hash(Order calldata order) internal pure returns (bytes32) {
        return keccak256(abi.encode(ORDER_TYPEHASH, order));
    }

    /// @notice Hash of terms.
    function hash(Terms calldata terms) internal pure returns (bytes32) {
        return keccak256(abi.encode(TERMS_TYPEHASH, terms));
    }

    /// @notice Hash of an order that rests.
    function hash(Order calldata order, Terms calldata terms) internal pure returns (bytes32) {
        return keccak256(abi.encode(hash(order), hash(terms)));
    }

    /// @notice What is signed for an order.
    function hashSigned(Order calldata order, uint256 nonce) internal pure returns (bytes32) {
        return keccak256(abi.encode(SIGNED_ORDER_TYPEHASH, hash(order), nonce));
    }

    /// @notice What is signed for an order that rests.
    function hashSigned(Order calldata order, Terms calldata terms, uint256 nonce) internal pure returns (bytes32) {
        return keccak256(abi.encode(SIGNED_PLACED_ORDER_TYPEHASH, hash(order), hash(terms), nonce));
    }
}

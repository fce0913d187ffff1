// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {LocalToken} from "./LocalToken.sol";

/// @title HostileToken
/// @notice A token that anyone arms to misbehave when a contract moves it; an account without code finds it honest.
/// @dev For fuzzing only. A plan stays until the next one; what a trick calls back finds the token honest.
contract HostileToken is LocalToken {
    /// @dev CallFirst and CallAfter call `target` with `data` before or after the tokens move. KeepPart keeps up to
    /// `amount` units, TakeMore moves `amount` more. Return answers with `data`, Refuse reverts with it, Halt burns all
    /// gas. After Lie, the balance of `target` reads `amount` more, modulo 2**256, until the next plan.
    enum Trick {
        None,
        CallFirst,
        CallAfter,
        KeepPart,
        TakeMore,
        Return,
        Refuse,
        Halt,
        Lie
    }

    /// @dev `isStrict`: a call back that fails takes the transfer with it.
    struct Plan {
        Trick trick;
        bool isStrict;
        address target;
        uint256 amount;
        bytes data;
    }

    Plan private _plan;
    uint256 private _lie;
    Trick private transient _playing;

    event Armed(Plan plan);
    event CalledBack(address target, bool ok, bytes returned);

    /// @param decimals_ as for LocalToken
    constructor(uint8 decimals_) LocalToken(decimals_) {}

    /// @notice Says what happens in transfers from now on.
    function arm(Plan calldata plan_) external {
        _plan = plan_;
        _lie = 0;
        emit Armed(plan_);
    }

    /// @notice What happens in transfers.
    function plan() external view returns (Plan memory) {
        return _plan;
    }

    function transfer(address to, uint256 value) public override returns (bool) {
        if (!_begin()) return super.transfer(to, value);
        super.transfer(to, value);
        return _end();
    }

    function transferFrom(address from, address to, uint256 value) public override returns (bool) {
        if (!_begin()) return super.transferFrom(from, to, value);
        super.transferFrom(from, to, value);
        return _end();
    }

    function balanceOf(address account) public view override returns (uint256 balance) {
        balance = super.balanceOf(account);
        uint256 lie = _lie;
        if (lie == 0 || account != _plan.target) return balance;
        unchecked {
            return balance + lie;
        }
    }

    /// @dev What is kept goes first, to the token itself.
    function _update(address from, address to, uint256 value) internal override {
        Trick trick = _playing;
        if (trick == Trick.KeepPart) {
            uint256 kept = _plan.amount < value ? _plan.amount : value;
            super._update(from, address(this), kept);
            value -= kept;
        } else if (trick == Trick.TakeMore) {
            value += _plan.amount;
        }
        super._update(from, to, value);
    }

    function _begin() private returns (bool) {
        if (_playing != Trick.None || msg.sender.code.length == 0) return false;
        Trick trick = _plan.trick;
        if (trick == Trick.None) return false;
        _playing = trick;
        if (trick == Trick.CallFirst) _callBack();
        if (trick == Trick.Refuse) _revertWith(_plan.data);
        if (trick == Trick.Halt) {
            assembly ("memory-safe") {
                invalid()
            }
        }
        return true;
    }

    function _end() private returns (bool) {
        Trick trick = _playing;
        if (trick == Trick.CallAfter) _callBack();
        if (trick == Trick.Lie) _lie = _plan.amount;
        _playing = Trick.None;
        if (trick == Trick.Return) {
            bytes memory data = _plan.data;
            assembly ("memory-safe") {
                return(add(data, 0x20), mload(data))
            }
        }
        return true;
    }

    function _callBack() private {
        address target = _plan.target;
        bool isStrict = _plan.isStrict;
        // solhint-disable-next-line avoid-low-level-calls
        (bool ok, bytes memory returned) = target.call(_plan.data);
        if (!ok && isStrict) _revertWith(returned);
        emit CalledBack(target, ok, returned);
    }

    function _revertWith(bytes memory data) private pure {
        assembly ("memory-safe") {
            revert(add(data, 0x20), mload(data))
        }
    }
}

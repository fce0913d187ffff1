"""Errors that a user can do something about: told in one line, by name."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, NoReturn, ParamSpec, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Failure", "named"]

_P = ParamSpec("_P")
_T = TypeVar("_T")


class Failure(click.ClickException):
    """An error by name; the process ends with `exit_code`."""

    def __init__(self, error: BaseException) -> None:
        self.exit_code = getattr(error, "exit_code", 1)
        name, text = type(error).__name__, str(error)
        # A contract's error says its name itself, before its arguments.
        super().__init__(text if text.startswith(f"{name}(") else f"{name}: {text}")


def _kinds() -> tuple[type[Exception], ...]:
    from sim.data import DataError
    from sim.studies import StudyError
    from steelyard.client.errors import ChainError, ClientError
    from steelyard.demo.driver import DemoError
    from steelyard.deployment.errors import DeploymentError
    from steelyard.evm.artefacts import ArtefactError
    from steelyard.fuzz.canaries.build import CompilationFailed
    from steelyard.fuzz.errors import FuzzError
    from steelyard.parameters import ParameterError
    from steelyard.toolchain import ToolchainError
    from steelyard.vault.errors import VaultError

    return (
        ArtefactError,
        ChainError,
        ClientError,
        CompilationFailed,
        DataError,
        DemoError,
        DeploymentError,
        FuzzError,
        ParameterError,
        StudyError,
        ToolchainError,
        VaultError,
        FileNotFoundError,
        PermissionError,
    )


def named(command: Callable[_P, _T]) -> Callable[_P, _T]:
    """Turn the project's own errors of a command into one line and a non-zero exit; others keep their traceback."""

    @wraps(command)
    def run(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        try:
            return command(*args, **kwargs)
        except Exception as error:
            _tell(error)

    return run


def _tell(error: Exception) -> NoReturn:
    from ape.exceptions import ApeException

    if isinstance(error, (*_kinds(), ApeException)):
        raise Failure(error) from error
    raise error

"""Errors that a user can do something about: told in one line, by name, or as one JSON object."""

from __future__ import annotations

import json
import sys
from decimal import Decimal
from functools import wraps
from typing import IO, TYPE_CHECKING, Any, NoReturn, ParamSpec, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Failure", "JsonErrors", "error_json", "named"]

_P = ParamSpec("_P")
_T = TypeVar("_T")


def error_json(error: BaseException) -> dict[str, Any]:
    """Return an error for JSON: its class, its arguments by name with integers and amounts as text, and its words."""
    from steelyard.client.errors import ContractReverted

    name, text = type(error).__name__, str(error)
    arguments: dict[str, Any] = {}
    if isinstance(error, click.ClickException):
        text = error.format_message()
    elif isinstance(error, ContractReverted):
        name, arguments = error.name, error.arguments
    elif type(error).__module__.startswith(("steelyard.", "sim.")):
        arguments = {key: value for key, value in vars(error).items() if not key.startswith("_")}
    return {"error": name, "arguments": {key: _plain(value) for key, value in arguments.items()}, "message": text}


def _plain(value: object) -> Any:
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, BaseException):
        return error_json(value)
    if isinstance(value, dict):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    return str(value)


def _tell_json(error: BaseException) -> None:
    click.echo(json.dumps(error_json(error)), err=True)


class Failure(click.ClickException):
    """An error by name; the process ends with `exit_code`.

    Parameters
    ----------
    error : BaseException
        That a user can do something about.
    as_json : bool
        Tell it as one JSON object on stderr.
    """

    def __init__(self, error: BaseException, *, as_json: bool = False) -> None:
        self.error = error
        self.as_json = as_json
        self.exit_code = getattr(error, "exit_code", 1)
        from steelyard.client.readable import error_text

        name, text = type(error).__name__, error_text(error)
        # A contract's error says its name itself, before its arguments.
        super().__init__(text if text.startswith(f"{name}(") else f"{name}: {text}")

    def show(self, file: IO[Any] | None = None) -> None:
        """Print it."""
        if self.as_json:
            _tell_json(self.error)
        else:
            super().show(file)


class JsonErrors(click.Group):
    """A group of commands whose wrong usage, too, is told as JSON where `--json` is given."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run; end the process with the exit code, unless `standalone_mode` is off."""
        words = list(sys.argv[1:] if args is None else args)
        if not standalone_mode or "--json" not in words:
            return super().main(words, prog_name, complete_var, standalone_mode, **extra)
        try:
            code = super().main(words, prog_name, complete_var, standalone_mode=False, **extra)
        except Failure as failure:
            failure.show()
            sys.exit(failure.exit_code)
        except click.ClickException as error:
            _tell_json(error)
            sys.exit(error.exit_code)
        except click.Abort as error:
            _tell_json(error)
            sys.exit(1)
        sys.exit(code if isinstance(code, int) else 0)


def _kinds() -> tuple[type[Exception], ...]:
    from sim.data import DataError
    from sim.studies import StudyError
    from steelyard.client.errors import ChainError, ClientError
    from steelyard.demo.driver import DemoError
    from steelyard.deployment.errors import DeploymentError
    from steelyard.evm.abi import AbiError
    from steelyard.evm.artefacts import ArtefactError
    from steelyard.fuzz.canaries.build import CompilationFailed
    from steelyard.fuzz.errors import FuzzError
    from steelyard.parameters import ParameterError
    from steelyard.toolchain import ToolchainError
    from steelyard.vault.errors import VaultError

    return (
        AbiError,
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
        OSError,
    )


def named(command: Callable[_P, _T]) -> Callable[_P, _T]:
    """Turn the project's own errors of a command into one line and a non-zero exit; others keep their traceback.

    With `as_json` among the command's options the line is a JSON object.
    """

    @wraps(command)
    def run(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        try:
            return command(*args, **kwargs)
        except Exception as error:
            _tell(error, as_json=bool(kwargs.get("as_json")))

    return run


def _tell(error: Exception, *, as_json: bool) -> NoReturn:
    from ape.exceptions import ApeException

    # Whoever reads our output may stop reading: click ends quietly then.
    if isinstance(error, (*_kinds(), ApeException)) and not isinstance(error, BrokenPipeError):
        raise Failure(error, as_json=as_json) from error
    raise error

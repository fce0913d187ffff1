"""What is left of a failure: a file that any machine can replay, and a regression test that says what happened."""

from __future__ import annotations

import hashlib
import json
import re
import textwrap
from dataclasses import asdict, dataclass, replace
from pprint import pformat
from typing import TYPE_CHECKING, Any

from steelyard.fuzz.campaign import Failure
from steelyard.fuzz.errors import RecordMalformed
from steelyard.fuzz.pair import Step
from steelyard.fuzz.rehearsal import Sign
from steelyard.parameters import (
    GuardParameters,
    MarketParameters,
    NetworkParameters,
    OracleParameters,
    OrderParameters,
    PortfolioParameters,
    PythParameters,
    RiskParameters,
    SystemParameters,
    VaultParameters,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from steelyard.fuzz.shrink import Shrunk

__all__ = ["Record", "parameters_from", "parameters_to", "wrapped"]

_FORMAT = "steelyard fuzz failure 1"
_HEX_FROM = 1 << 96


def parameters_to(parameters: SystemParameters) -> dict[str, Any]:
    """Return parameters in storage units as plain values; those of a network have no part in a trace."""
    document = asdict(parameters)
    del document["network"]
    return document


def parameters_from(document: dict[str, Any]) -> SystemParameters:
    """Return what `parameters_to` was given."""
    return SystemParameters(
        pyth=PythParameters(**document["pyth"]),
        orders=OrderParameters(**document["orders"]),
        vault=VaultParameters(**document["vault"]),
        risk=RiskParameters(**document["risk"]),
        markets=tuple(map(_market_from, document["markets"])),
    )


def _market_from(document: dict[str, Any]) -> MarketParameters:
    netting = document["portfolio"]
    portfolio = PortfolioParameters(netting["hedgeable"], tuple(netting["loadings"]), tuple(netting["shocks"]))
    guard = document["oracle"].get("guard")
    oracle = {**document["oracle"], "guard": None if guard is None else GuardParameters(**guard)}
    return MarketParameters(**{**document, "portfolio": portfolio, "oracle": OracleParameters(**oracle)})


def _tuples(value: Any) -> Any:
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value


@dataclass(frozen=True, slots=True)
class Record:
    """A failure with all that is needed to see it again.

    Attributes
    ----------
    failure : Failure
        With the trace.
    sign : Sign
        What is expected of a replay.
    endings : tuple of str
        How each step before the failure ended, the error's name or `success`.
    parameters : SystemParameters
        With which the system is deployed.
    story : tuple of str
        The steps in words.
    differences : tuple of str
        What differs then, or does not hold.
    """

    failure: Failure
    sign: Sign
    endings: tuple[str, ...]
    parameters: SystemParameters
    story: tuple[str, ...]
    differences: tuple[str, ...]

    @classmethod
    def of(cls, shrunk: Shrunk) -> Record:
        """Return the record of a failure that was shrunk."""
        # A trace runs on a network of its own.
        parameters = replace(shrunk.parameters, network=NetworkParameters())
        return cls(shrunk.failure, shrunk.sign, shrunk.endings, parameters, shrunk.story, shrunk.differences)

    @property
    def name(self) -> str:
        """What goes wrong where, with a few digits that tell one trace from another; the same for the same trace."""
        words = re.sub(r"[^a-z0-9]+", "_", re.sub(r"([a-z])([A-Z])", r"\1_\2", self.sign.place).lower()).strip("_")
        text = json.dumps([step._asdict() for step in self.failure.trace], sort_keys=True)
        return f"{self.sign.kind}_{words}_{hashlib.sha256(text.encode()).hexdigest()[:8]}"

    # ---- JSON

    def to_json(self) -> str:
        """Return it as JSON."""
        failure = self.failure
        document = {
            "format": _FORMAT,
            "story": self.story,
            "differences": self.differences,
            "seed": failure.seed,
            "expected": {
                "kind": self.sign.kind,
                "place": self.sign.place,
                "details": self.sign.details,
                "step_index": failure.step_index,
                "message": failure.message,
                "endings": self.endings,
            },
            "steps": [step._asdict() for step in failure.trace],
            "parameters": parameters_to(self.parameters),
        }
        return json.dumps(document, indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Record:
        """Return what `to_json` gave.

        Raises
        ------
        RecordMalformed
            The text is something else.
        """
        try:
            document = json.loads(text)
            if document["format"] != _FORMAT:
                raise RecordMalformed(f"format {document['format']!r} instead of {_FORMAT!r}")
            expected = document["expected"]
            steps = tuple(Step(**{**step, "args": _tuples(step["args"])}) for step in document["steps"])
            return cls(
                Failure(document["seed"], expected["step_index"], expected["kind"], expected["message"], steps),
                Sign(expected["kind"], expected["place"], tuple(expected["details"])),
                tuple(expected["endings"]),
                parameters_from(document["parameters"]),
                tuple(document["story"]),
                tuple(document["differences"]),
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise RecordMalformed(f"not a record of a failure: {error!r}") from error

    def write(self, folder: Path) -> Path:
        """Write the JSON into a folder, which is made where it is missing, and return the path."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.name}.json"
        path.write_text(self.to_json(), encoding="utf-8")
        return path

    # ---- the regression test

    def to_test(self) -> str:
        """Return a pytest module that runs the trace and fails where it does."""
        told = [*self.story, *(f"then {difference}" for difference in self.differences)]
        pairs = zip(self.story, self.failure.trace, strict=True)
        return _TEST.format(
            title=self._title,
            story="\n".join(wrapped(told)),
            steps="\n".join(f"    # {sentence}\n    {_literal(step)}," for sentence, step in pairs),
            parameters=pformat(parameters_to(self.parameters), sort_dicts=False).replace("'", '"'),
            what=re.sub(r"\W+", "_", self.sign.place).strip("_").lower(),
        )

    @property
    def _title(self) -> str:
        details = ", ".join(self.sign.details)
        return f"{self.sign.kind} at {self.sign.place}{f' ({details})' if details else ''}, {len(self.story)} steps"

    def write_test(self, folder: Path) -> Path:
        """Write the pytest module into a folder, which is made where it is missing, and return the path."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"test_{self.name}.py"
        path.write_text(self.to_test(), encoding="utf-8")
        return path


_TEST = '''# ruff: noqa: E501
"""Found by the fuzzer, shrunk, kept: {title}."""

from __future__ import annotations

from steelyard.fuzz.pair import Step
from steelyard.fuzz.replay import run

# fmt: off
STEPS = (
{steps}
)
PARAMETERS = {parameters}
# fmt: on


def test_{what}__shrunk_trace__model_and_contracts_agree() -> None:
    """Run the trace.

{story}
    """
    failure = run(STEPS, PARAMETERS)
    assert failure is None, failure.message
'''


def wrapped(lines: Iterable[str]) -> Iterable[str]:
    """Yield lines as a list in the docstring of a function."""
    for line in lines:
        escaped = line.replace("\\", "\\\\").replace('"""', "'''")
        yield from textwrap.wrap(
            escaped, 112, initial_indent="    - ", subsequent_indent="      ", break_on_hyphens=False
        )


def _literal(step: Step) -> str:
    """Return the source of a step, numbers that hold an address in hexadecimal."""
    arguments = [repr(step.sender), repr(step.contract), repr(step.function), _value(step.args)]
    arguments += [f"{name}={value}" for name, value in (("value", step.value), ("wait", step.wait)) if value]
    return f"Step({', '.join(arguments)})".replace("'", '"')


def _value(value: Any) -> str:
    if isinstance(value, tuple):
        return "(" + ", ".join(_value(item) for item in value) + ("," if len(value) == 1 else "") + ")"
    if isinstance(value, int) and not isinstance(value, bool) and value >= _HEX_FROM:
        return hex(value)
    return repr(value)

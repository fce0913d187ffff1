"""Measure gas and bytecode sizes of the compiled contracts, and write `snapshots/gas.json`.

    python -m tests.bench.gas                                measure all and write the snapshot
    python -m tests.bench.gas --check                        compare with the snapshot, write nothing
    python -m tests.bench.gas --only trade_modify,'settle*'  some rows, write nothing
    python -m tests.bench.gas --compare build/forge/out      two builds side by side, write nothing
    python -m tests.bench.gas --only settle --profile        where the gas goes: storage, logs, calls, ...

Method
------
A number is `gasUsed` of the receipt of one transaction in a block of its own, on an Anvil that this command starts:
21,000 intrinsic and calldata included, every slot cold, refunds netted. The contracts are those that ape compiled,
wired as in a deployment, with a plain OpenZeppelin ERC-20 and the SDK's mock of Pyth, whose fee is 1 wei per update.
Each row starts from the same snapshot of the chain, so rows do not touch each other; addresses, times and prices are
fixed, so that a run repeats exactly. Before a measured transaction 12 markets have longs, shorts, skew, a funding rate
and indices, and rest for five minutes: a transaction that touches a market has funding to accrue and every slot of
it changes. Whoever gets quote or tokens has some already, except where the row says first. Traders allow the exchange
to take any amount of tokens. Trades come from an address that may execute, without keeper's fee unless the row says so.

Prices are "verified" by the mock. Rows parse an update whose price the mock holds already, so that no write of the
mock is counted, as the real contract writes nothing while it parses; rows `..._mock_storage` count the mock's writes.
The real contract's signature checks, and the longer calldata that they need, come on top. Numbers called `..._own`
leave out what was used inside the mock, taken from the trace of the call. `settle_beyond_update` is `settle` less
what its price update adds, measured as the transaction that only updates in the same state, `settle_update`, less the
21,000 of a transaction: an update of one's own is never free, and its price depends on the provider.

Targets stand beside the numbers for orientation: missing one is not a failure.

Exit codes
----------
0   measured; with --check, all as in the snapshot
1   --check: something differs from the snapshot, or there is none
2   wrong usage
3   could not measure: no Anvil, a contract that is not compiled, a transaction that reverted
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import sys
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Column, Table

from steelyard import toolchain
from tests.bench.artefacts import MANIFEST, Artefact, ArtefactError, read_artefacts
from tests.bench.breakdown import KINDS, breakdown, gas_in
from tests.bench.chain import Anvil, ChainError, RpcError
from tests.bench.exchange import Exchange, ExchangeError
from tests.bench.rows import DERIVED, ROWS

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from tests.bench.chain import Receipt

__all__ = ["SNAPSHOT", "Measurement", "differences", "main", "measure", "profile"]

SNAPSHOT = toolchain.ROOT / "snapshots" / "gas.json"
"""The committed numbers."""

CODE_LIMIT = 24_576
"""Largest contract that Ethereum accepts (EIP-170) [bytes]."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """Numbers by name: gas of rows, the part of it used in the mock of Pyth, what follows of both, bytes of code."""

    gas: dict[str, int]
    gas_in_mock: dict[str, int]
    derived: dict[str, int]
    bytecode: dict[str, int]

    def to_json(self) -> str:
        """Return the text of the snapshot."""
        return json.dumps(asdict(self), indent=2, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Measurement:
        """Read a snapshot; a section that it lacks is empty."""
        sections = json.loads(text)
        return cls(**{field.name: sections.get(field.name, {}) for field in fields(cls)})

    def flat(self) -> dict[str, int]:
        """Return all numbers under `section.name`."""
        return {
            f"{section}.{name}": value for section, values in asdict(self).items() for name, value in values.items()
        }


def measure(artefacts: Mapping[str, Artefact], names: Iterable[str]) -> Measurement:
    """Run rows on a chain of their own.

    Raises
    ------
    ExchangeError, ArtefactError
        A row does not work on these contracts.
    ChainError, ToolchainError
        Anvil is missing or broken.
    """
    gas: dict[str, int] = {}
    in_mock: dict[str, int] = {}
    with Anvil() as chain:
        for name, receipt, exchange in _run(chain, artefacts, names):
            gas[name] = receipt.gas_used
            if used := gas_in(chain, receipt.hash, exchange.addresses["LocalPyth"]):
                in_mock[name] = used
    derived = {item.name: value for item in DERIVED if (value := item.of(gas, in_mock)) is not None}
    return Measurement(gas, in_mock, derived, _sizes(artefacts))


def profile(artefacts: Mapping[str, Artefact], names: Iterable[str]) -> dict[str, Counter[str]]:
    """Return gas by kind for each row."""
    with Anvil(traces_steps=True) as chain:
        return {name: breakdown(chain, receipt.hash) for name, receipt, _ in _run(chain, artefacts, names)}


def _run(
    chain: Anvil, artefacts: Mapping[str, Artefact], names: Iterable[str]
) -> Iterator[tuple[str, Receipt, Exchange]]:
    """Yield each row's receipt while the chain is as its transaction left it."""
    exchange = Exchange(chain, artefacts)
    for name in names:
        mark = exchange.mark()
        try:
            receipt = ROWS[name].run(exchange)
        except ExchangeError as error:
            raise ExchangeError(f"row {name}: {error}") from error
        yield name, receipt, exchange
        exchange.restore(mark)


def differences(expected: Measurement, actual: Measurement) -> dict[str, tuple[int | None, int | None]]:
    """Return what differs: name to expected and actual number, None where there is none."""
    before, after = expected.flat(), actual.flat()
    pairs = {name: (before.get(name), after.get(name)) for name in sorted(before.keys() | after.keys())}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit codes are those of the module."""
    options = _parse(argv)
    out = Console(width=None if sys.stdout.isatty() else 140, highlight=False)
    try:
        base = read_artefacts(*(options.artefacts or [MANIFEST]))
        names = _select(options.only)
        if options.profile:
            out.print(_profile_table(profile(base, names)))
            return 0
        result = measure(base, names)
        other = None if options.compare is None else measure(base | read_artefacts(options.compare), names)
    except (ArtefactError, ChainError, ExchangeError, RpcError, toolchain.ToolchainError) as error:
        print(f"bench-gas: {type(error).__name__}: {error}", file=sys.stderr)
        return 3
    if options.json:
        print(result.to_json(), end="")
    elif not options.check:
        out.print(_table(result, other))
    if options.check:
        return _check(result, out)
    is_whole = options.only is None and options.compare is None and options.artefacts is None
    if is_whole:
        SNAPSHOT.parent.mkdir(exist_ok=True)
        SNAPSHOT.write_text(result.to_json())
    return 0


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.gas", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare with the snapshot; exit 1 where anything differs")
    parser.add_argument("--json", action="store_true", help="print the numbers as JSON instead of a table")
    parser.add_argument("--only", metavar="ROWS", help="rows to measure, by name or pattern, separated by commas")
    parser.add_argument(
        "--artefacts",
        metavar="PATH",
        type=Path,
        nargs="+",
        help="contracts to measure instead of ape's: manifests, forge's output folders or files of them; the last wins",
    )
    parser.add_argument(
        "--compare", metavar="PATH", type=Path, help="contracts to measure too; what is not in there stays the same"
    )
    parser.add_argument("--profile", action="store_true", help="tell where the gas goes instead")
    options = parser.parse_args(argv)
    if options.check and (options.only or options.compare or options.artefacts):
        parser.error("--check measures everything that the snapshot holds: it goes with --json only")
    if options.json and options.compare:
        parser.error("--json prints one build: it does not go with --compare")
    if options.profile and (options.json or options.compare or options.check):
        parser.error("--profile goes with --only and --artefacts")
    unknown = [pattern for pattern in _patterns(options.only) if not fnmatch.filter(ROWS, pattern)]
    if unknown:
        parser.error(f"no row is called {', '.join(unknown)}; there are {', '.join(ROWS)}")
    return options


def _patterns(only: str | None) -> list[str]:
    return [] if only is None else [pattern.strip() for pattern in only.split(",") if pattern.strip()]


def _select(only: str | None) -> list[str]:
    if only is None:
        return list(ROWS)
    return [name for name in ROWS if any(fnmatch.fnmatch(name, pattern) for pattern in _patterns(only))]


def _sizes(artefacts: Mapping[str, Artefact]) -> dict[str, int]:
    """Return the size of each contract that goes on a real chain: those in the folder `contracts` itself."""
    return {
        name: artefact.runtime_size
        for name, artefact in artefacts.items()
        if Path(artefact.source).parent == Path("contracts")
    }


def _check(result: Measurement, out: Console) -> int:
    if not SNAPSHOT.exists():
        print(f"bench-gas: {SNAPSHOT} is missing: run 'make bench-gas'", file=sys.stderr)
        return 1
    changed = differences(Measurement.from_json(SNAPSHOT.read_text()), result)
    if not changed:
        print(f"bench-gas: {len(result.flat())} numbers as in {SNAPSHOT}", file=sys.stderr)
        return 0
    table = Table("number", *_right("snapshot", "now", "change"), title="Differs from snapshots/gas.json")
    for name, (before, after) in changed.items():
        table.add_row(name, _number(before), _number(after), _change(before, after))
    out.print(table)
    print("bench-gas: review the change, then run 'make bench-gas' and commit the snapshot", file=sys.stderr)
    return 1


def _table(result: Measurement, other: Measurement | None) -> Table:
    """Return numbers, targets and what the rows are, with a second build beside the first if there is one."""
    columns = [] if other is None else ["other", "change"]
    table = Table("row", *_right("gas", *columns, "target"), "", "what", title="Whole-transaction gas", box=None)
    abouts = {row.name: (row.target, row.about) for row in ROWS.values()}
    abouts |= {item.name: (item.target, item.about) for item in DERIVED}
    abouts |= dict.fromkeys(result.bytecode, (CODE_LIMIT, "bytes of code"))
    for section in ("gas", "derived", "bytecode"):
        values: dict[str, int] = getattr(result, section)
        for name in sorted(values) if section == "bytecode" else values:
            value, (target, about) = values[name], abouts[name]
            second = [] if other is None else _second(value, getattr(other, section).get(name))
            table.add_row(name, _number(value), *second, _number(target), _verdict(value, target), about)
        table.add_row()
    return table


def _profile_table(profiles: Mapping[str, Counter[str]]) -> Table:
    table = Table("row", *_right(*KINDS), title="Gas beside the 21,000 of a transaction", box=None)
    for name, kinds in profiles.items():
        table.add_row(name, *(_number(kinds[kind]) for kind in KINDS))
    return table


def _second(value: int, other: int | None) -> list[str]:
    return [_number(other), _change(value, other)]


def _right(*names: str) -> list[Column]:
    return [Column(name, justify="right", no_wrap=True) for name in names]


def _number(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _change(before: int | None, after: int | None) -> str:
    if before is None or after is None:
        return "gone" if after is None else "new"
    if before == after:
        return "="
    return f"[{'green' if after < before else 'red'}]{after - before:+,}[/]"


def _verdict(value: int, target: int | None) -> str:
    if target is None:
        return ""
    return "[green]ok[/]" if value <= target else f"[red]miss[/] {value - target:+,}"


if __name__ == "__main__":
    sys.exit(main())

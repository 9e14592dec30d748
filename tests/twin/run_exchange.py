"""Long differential run of the exchange: `python -m tests.twin.run_exchange --commands 200000 --seed 7`.

Lives here: arguments, clock, printing. Exit 0 agreed, 1 a difference or a broken law.
"""

import argparse
import sys
import time

from domain.ensure import InvariantViolation
from tests.twin.exchange_differential import ExchangesDiffer, run


def main(arguments: list[str]) -> int:
    """Run and print commands, trades, seconds, seed and digest; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.twin.run_exchange", description=__doc__)
    parser.add_argument("--commands", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kinds", action="store_true", help="also print how often each answer happened")
    options = parser.parse_args(arguments)
    began = time.monotonic()
    try:
        result = run(commands=options.commands, seed=options.seed, keep=False)
    except (ExchangesDiffer, InvariantViolation) as error:
        print(f"{type(error).__name__} (seed {options.seed}): {error}", file=sys.stderr)
        return 1
    if options.kinds:
        for kind, count in sorted(result.kinds.items()):
            print(f"  {kind}: {count}")
    print(
        f"agreed: {result.commands} commands, {result.trades} trades, {time.monotonic() - began:.1f} s, "
        f"seed {options.seed}, digest {result.digest}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Long differential run from the command line: `python -m tests.twin.run --commands 1000000 --seed 7`.

Lives here: arguments, clock, printing. Exit 0 agreed, 1 a difference, 2 the compiled engine is not built.
"""

import argparse
import sys
import time

from domain.ensure import InvariantViolation
from tests.engines import COMPILED, ENGINE_NAMES, REFERENCE, EngineNotBuilt, engine_class
from tests.twin.differential import EnginesDiffer, run_differential
from tests.twin.flow import PROFILES


def main(arguments: list[str]) -> int:
    """Run and print commands, fills, seconds, seed and digest; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.twin.run", description=__doc__)
    parser.add_argument("--commands", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--profile", choices=sorted(PROFILES), default="touch")
    parser.add_argument("--engine", choices=ENGINE_NAMES, default=COMPILED, help="the engine compared with the twin")
    parser.add_argument("--kinds", action="store_true", help="also print how often each event happened")
    options = parser.parse_args(arguments)
    try:
        engine = engine_class(options.engine)
    except EngineNotBuilt as error:
        print(error, file=sys.stderr)
        return 2

    began = time.monotonic()
    try:
        result = run_differential(
            engine, engine_class(REFERENCE), commands=options.commands, seed=options.seed, profile=options.profile
        )  # fmt: skip
    except (EnginesDiffer, InvariantViolation) as error:
        print(f"{type(error).__name__} (seed {options.seed}): {error}", file=sys.stderr)
        return 1
    seconds = time.monotonic() - began
    if options.kinds:
        for (kind, detail), count in sorted(result.kinds.items()):
            print(f"  {kind} {detail}: {count}")
    print(
        f"agreed: {result.commands} commands, {result.fills} fills, {seconds:.1f} s, seed {options.seed}, "
        f"digest {result.digest}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

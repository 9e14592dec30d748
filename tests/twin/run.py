"""Long differential run from the command line: `python -m tests.twin.run --commands 1000000 --seed 7 --jobs 2`.

Lives here: arguments, which sessions a run is made of, processes, clock, printing. Exit 0 agreed, 1 a difference or a
kind of event that a long run did not reach, 2 the compiled engine is not built.
"""

import argparse
import multiprocessing
import sys
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import Final, NamedTuple

from tests.engines import COMPILED, ENGINE_NAMES, REFERENCE, EngineNotBuilt, engine_class
from tests.twin.differential import EnginesDiffer, run_session
from tests.twin.flow import EXPECTED_KINDS, PROFILES
from tests.twin.playing import Session
from tests.twin.shrinking import as_source, shrink

ALL: Final = "all"
COMMANDS_FOR_EVERY_KIND: Final = 500_000  # over all profiles
PROGRESS_SECONDS: Final = 30.0


class Outcome(NamedTuple):
    """What came of a session: how often each kind of event happened, and the text of a difference."""

    session: Session
    kinds: dict[str, int]
    difference: str


def sessions_of(profiles: list[str], *, commands: int, seed: int) -> Iterator[Session]:
    """Sessions of all profiles side by side, so that each gets an equal part of the commands."""
    share = -(-commands // len(profiles))
    sent = dict.fromkeys(profiles, 0)
    numbers = dict.fromkeys(profiles, 0)
    while min(sent.values()) < share:
        profile = min(profiles, key=lambda name: sent[name])
        size = min(PROFILES[profile].commands, share - sent[profile])
        yield Session(profile, seed, numbers[profile], size)
        sent[profile] += size
        numbers[profile] += 1


def outcome_of(session: Session, *, engine: str, state_every: int) -> Outcome:
    """Run a session; a difference is shrunk and told."""
    compiled, reference = engine_class(engine), engine_class(REFERENCE)
    try:
        return Outcome(session, run_session(compiled, reference, session, state_every=state_every), "")
    except EnginesDiffer as error:
        short = shrink(compiled, reference, error.difference)
        return Outcome(session, {}, f"{error}\n\nmade short: {short.told()}\n\n{as_source(short)}")


def main(arguments: list[str]) -> int:
    """Run and print progress, rates and what was reached; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.twin.run", description=__doc__)
    parser.add_argument("--commands", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--profile", choices=[ALL, *sorted(PROFILES)], default=ALL)
    parser.add_argument("--jobs", type=int, default=1, help="processes that run sessions")
    parser.add_argument("--check-every", type=int, default=0, help="commands between comparisons of the whole state")
    parser.add_argument("--engine", choices=ENGINE_NAMES, default=COMPILED, help="the engine compared with the twin")
    parser.add_argument("--keep-going", action="store_true", help="run every session in spite of differences")
    parser.add_argument("--kinds", action="store_true", help="also print how often each event happened")
    options = parser.parse_args(arguments)
    try:
        engine_class(options.engine)
    except EngineNotBuilt as error:
        print(error, file=sys.stderr)
        return 2
    profiles = list(PROFILES) if options.profile == ALL else [options.profile]
    run = partial(outcome_of, engine=options.engine, state_every=options.check_every)
    sessions = sessions_of(profiles, commands=options.commands, seed=options.seed)
    if options.jobs == 1:
        return _report(map(run, sessions), options)
    with multiprocessing.get_context("spawn").Pool(options.jobs) as pool:
        return _report(pool.imap_unordered(run, sessions), options)


def _report(outcomes: Iterator[Outcome], options: argparse.Namespace) -> int:
    began = told = time.monotonic()
    kinds: Counter[str] = Counter()
    commands: Counter[str] = Counter()
    differences = 0
    for outcome in outcomes:
        if outcome.difference:
            differences += 1
            print(outcome.difference, flush=True)
            if not options.keep_going:
                return 1
            continue
        kinds.update(outcome.kinds)
        commands[outcome.session.profile] += outcome.session.commands
        if time.monotonic() - told > PROGRESS_SECONDS:
            told = time.monotonic()
            rate = commands.total() / (told - began)
            print(f"{commands.total():,} commands, {rate:,.0f} a second", file=sys.stderr, flush=True)
    seconds = time.monotonic() - began
    if options.kinds:
        for kind, times in sorted(kinds.items()):
            print(f"  {kind}: {times:,}")
    for profile, sent in commands.items():
        print(f"  {profile}: {sent:,} commands agreed")
    print(
        f"{'agreed' if not differences else f'{differences} sessions differ'}: {commands.total():,} commands, "
        f"{kinds['fill']:,} fills, {seconds:.1f} s, {commands.total() / seconds:,.0f} a second, seed {options.seed}"
    )
    unreached = EXPECTED_KINDS - set(kinds)
    if options.profile == ALL and commands.total() >= COMMANDS_FOR_EVERY_KIND and unreached:
        print(f"never happened: {', '.join(sorted(unreached))}", file=sys.stderr)
        return 1
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The command line: `hashbook serve | replay | verify | inspect`.

Lives here: arguments, exit codes, printing.
Does not know: how any of it is done.
"""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from domain.ensure import InvariantViolation
from runtime.audit import VerifyFailed, inspect_lines, replay_lines, verify_lines
from runtime.config import CONFIG_NAME, HOME_DEFAULT, ConfigError, demo_config, load_config, write_config
from runtime.demo import write_keys_once
from runtime.engine import Engine, exchange_engine
from runtime.exits import EXIT_CLEAN, EXIT_DISK, EXIT_INVARIANT, EXIT_JOURNAL_DAMAGED, EXIT_USAGE
from runtime.journal_reader import JournalDamaged
from runtime.supervisor import CORE, FEED, FOLLOWER, GATEWAY, MAKER_BOT, Supervisor

PRIVATE = 0o077


def main(arguments: Sequence[str] | None = None, *, engine: Engine | None = None) -> int:
    """Run one command; returns the exit code (exits.py)."""
    options = _parser().parse_args(arguments)
    try:
        if options.command == "serve":
            return _serve(demo=options.demo, bot=not options.no_bot)
        config = load_config()
        if options.command == "replay":
            return _print_all(replay_lines(config, engine or exchange_engine()))
        if options.command == "verify":
            return _print_all(verify_lines(config, engine or exchange_engine()))
        return _print_all(
            inspect_lines(config, first_sequence=options.start, count=options.count, records=options.records)
        )
    except ConfigError as error:
        return _fail(str(error), EXIT_USAGE)
    except JournalDamaged as error:
        return _fail(f"journal damaged: {error}", EXIT_JOURNAL_DAMAGED)
    except VerifyFailed as error:
        return _fail(f"verify failed: {error}", EXIT_JOURNAL_DAMAGED)
    except InvariantViolation as violation:
        return _fail(f"invariant broken: {violation}", EXIT_INVARIANT)
    except BrokenPipeError:  # `hashbook inspect | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_CLEAN
    except OSError as error:
        return _fail(f"disk: {error}", EXIT_DISK)


def _serve(*, demo: bool, bot: bool) -> int:
    os.umask(PRIVATE)  # what the venue keeps is its owner's alone
    if demo:
        _prepare_demo_once(bot=bot)
    config = load_config()
    if demo and not config.demo:
        raise ConfigError(f"{config.home_path / CONFIG_NAME} is not a demo's; choose another HASHBOOK_HOME")
    after_ready = [MAKER_BOT] if config.demo and config.bot and bot else []
    return Supervisor(config, [CORE, FOLLOWER, GATEWAY, FEED], after_ready=after_ready, say=_say).run()


def _prepare_demo_once(*, bot: bool) -> None:
    home = Path(os.environ.get("HASHBOOK_HOME") or HOME_DEFAULT)
    if not (home / CONFIG_NAME).exists():
        write_config(demo_config(str(home), bot=bot))
    write_keys_once(home)


def _print_all(lines: Iterator[str]) -> int:
    for line in lines:
        _say(line)
    return EXIT_CLEAN


def _say(line: str) -> None:
    print(line, flush=True)


def _fail(text: str, code: int) -> int:
    print(text, file=sys.stderr, flush=True)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hashbook",
        description="An exchange for Bitcoin hashrate.",
        epilog="Environment: HASHBOOK_HOME (default var) keeps everything, HASHBOOK_PORT (default 8765) takes clients.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="run a venue until Ctrl-C")
    serve.add_argument("--demo", action="store_true", help="the demo market on the bundled chain")
    serve.add_argument("--no-bot", action="store_true", help="the demo market without its market maker")
    commands.add_parser("replay", help="replay the whole journal; print sequence, digest, commands/s")
    commands.add_parser("verify", help="prove journal, snapshots and invariants; exit code 3 on damage")
    inspect = commands.add_parser("inspect", help="print the journal's groups")
    inspect.add_argument("--start", type=int, default=1, metavar="SEQUENCE", help="first command to show")
    inspect.add_argument("--count", type=int, default=1_000_000_000, metavar="N", help="groups to show")
    inspect.add_argument("--records", action="store_true", help="also print every command")
    return parser


if __name__ == "__main__":
    sys.exit(main())

"""A scripted session with unmodified ccxt against a running demo venue.

Run by an environment that has ccxt (run.py makes one): python tests/clients/ccxt_session.py --url URL --keys FILE
Each step prints one line `ok what: figures`; the first failure ends the session with exit code 1.
Lives here: the order of the steps. Does not know: how a venue is started.
"""

import argparse
import asyncio
import json
import sys
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import ccxt

from tests.clients import dividend, how_to, market_data, orders, outages, refusals, trading
from tests.clients.checks import StepFailed, ok
from tests.clients.trader import Trader

NAMES = ("alice", "bob", "mallory")


async def session(url: str, keys_path: Path, home: Path | None) -> None:
    """All steps in order."""
    keys = {key["name"]: key for key in json.loads(keys_path.read_text(encoding="utf-8"))}
    alice, bob, mallory = traders = [Trader(name, keys[name], url) for name in NAMES]
    try:
        for trader in traders:
            await trader.ex.cancel_all_orders()  # of an earlier session that was broken off
        await market_data.run(alice, bob)
        await mallory.ex.load_markets()
        await how_to.run(url, keys_path)
        await trading.run(alice, bob)
        await orders.run(alice, bob)
        await refusals.run(alice, mallory)
        await outages.lose_connection(alice, bob)
        await dividend.run(alice, bob)
        if home is None:
            print("-- gateway and core are not killed: that needs --home", flush=True)
        else:
            await outages.kill_gateway(alice, bob, home / "run")
            await outages.kill_core(alice, bob, home / "run")
    finally:
        for trader in traders:
            await trader.close()


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="ccxt_session", description="A scripted session with unmodified ccxt.")
    parser.add_argument("--url", required=True, help="http://host:port of the venue")
    parser.add_argument("--keys", required=True, type=Path, help="the venue's demo-keys.json")
    parser.add_argument("--home", type=Path, help="the venue's folder: its gateway and core may be killed")
    options = parser.parse_args()
    ok("ccxt", f"{ccxt.__version__} against {options.url}")
    try:
        asyncio.run(session(options.url, options.keys, options.home))
    except StepFailed as failure:
        print(f"FAILED {failure}", flush=True)
        return 1
    except ccxt.BaseError as error:
        traceback.print_exc()
        print(f"FAILED {type(error).__name__}: {error}", flush=True)
        return 1
    print("session passed", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Goal: the tutorial's program runs, and the tutorial quotes it truly. Method: run it against the fake venue; compare
every Python line of the tutorial with the program."""

import json
import re
from decimal import Decimal
from pathlib import Path

from examples.first_trade import first_trade
from tests.unit.hashbook.fake_venue import CLIENT_ID, CLIENT_SECRET, Refuse, run

ROOT = Path(__file__).parents[3]


def test_the_program_of_the_tutorial_runs_to_its_end(tmp_path, capsys):
    keys = tmp_path / "keys.json"
    key = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    rows = [("market-maker", True), ("ann", True), ("eve", False), ("bob", True)]
    keys.write_text(json.dumps([key | {"name": name, "whitelisted": ok} for name, ok in rows]))

    async def scenario(venue):
        def buy(params):
            if params["amount"] != 5:
                raise Refuse(10021, "invalid_amount", {"param": "amount"})
            order = venue._new_order("buy", params)
            order |= {"order_state": "filled", "filled_amount": 5, "average_price": params["price"]}
            return {"order": dict(order), "trades": []}

        async def push_fill():
            fill = {
                "trade_id": "1",
                "instrument_name": "TH1A_BTC",
                "direction": "buy",
                "price": Decimal("0.0014"),
                "amount": 5,
                "timestamp": 1,
                "fee": Decimal("0.000007"),
                "fee_currency": "BTC",
            }
            await venue.push("user.trades.any.any.raw", [fill])

        venue.answers["public/get_instrument"] = lambda params: venue.instruments[1]
        venue.answers["private/buy"] = buy
        venue.after["private/buy"] = push_fill
        await first_trade(keys, venue.url)

    run(scenario)
    said = capsys.readouterr().out
    for part in ("offered: order O-1, open", "bought 5 TH/s at 0.00140000", "fee: 0.000007 BTC", "refused: 10021"):
        assert part in said


def test_every_python_line_of_the_tutorial_is_a_line_of_the_program():
    tutorial = (ROOT / "docs" / "tutorial" / "first-trade.md").read_text()
    program = {line.strip() for line in (ROOT / "examples" / "first_trade.py").read_text().splitlines()}
    blocks = re.findall(r"```python\n(.*?)```", tutorial, re.DOTALL)
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    assert len(lines) >= 5
    assert [line for line in lines if line not in program] == []

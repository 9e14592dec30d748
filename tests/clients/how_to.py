"""The page docs/how-to/trade-with-ccxt.md is run as it is written, against the venue of the session.

Lives here: its code in order, with only the address and the key file put in. Does not know: what the code does.
"""

import asyncio
import re
import subprocess
import sys
from pathlib import Path

from tests.clients.checks import check, ok

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "trade-with-ccxt.md"
ADDRESSES = 'URL, KEYS = "http://127.0.0.1:8765", "var/demo-keys.json"'
CODE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TIMEOUT_S = 60


async def run(url: str, keys: Path) -> None:
    """Raises StepFailed when the code of the page ends with an error."""
    blocks = CODE.findall(PAGE.read_text(encoding="utf-8"))
    check(blocks and ADDRESSES in blocks[0], f"{PAGE.name} begins with the addresses")
    code = "\n".join(blocks).replace(ADDRESSES, f"URL, KEYS = {url!r}, {str(keys)!r}")
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", code], capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )
    check(done.returncode == 0, f"{PAGE.name}: {done.stderr[-2_000:]}")
    ok(PAGE.name, f"{len(blocks)} pieces of code, {len(done.stdout.splitlines())} lines printed")

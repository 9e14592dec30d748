"""Goal: an unmodified ccxt trades on a demo venue and finds every figure exact, also after lost processes.
Method: the scripted session in an environment of its own against a venue of its own; `make clients` runs it.
"""

import os

import pytest

from tests.clients.run import main

WANTED = os.environ.get("HASHBOOK_CLIENTS") == "1"
REASON = "minutes, and installs ccxt into .venv-ccxt: HASHBOOK_CLIENTS=1 or `make clients` runs it"


@pytest.mark.clients
@pytest.mark.skipif(not WANTED, reason=REASON)
@pytest.mark.parametrize("variant", ["--no-bot", "--bot"])
def test_the_scripted_session_with_unmodified_ccxt_passes(variant: str) -> None:
    assert main([variant]) == 0

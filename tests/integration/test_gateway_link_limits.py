"""Goal: a gateway can act for its own clients and for nobody else. Method: a core process, and links that overreach."""

from pathlib import Path

import pytest

from domain import commands
from runtime.link_frames import FrameType
from tests.integration.core_harness import Child, LinkUser, small_config, wait_until_listening

OVERREACHING = {
    "a cold command": commands.cold(commands.CreateAsset("GOLD", 1, "cash")),
    "every gateway's sessions": commands.cancel_gateway(origin=0),
    "another gateway's session": commands.cancel_session(origin=999 << 32 | 1),
    "another gateway's client": commands.new_order(
        account=16, instrument=0, side=0, price_ticks=1, quantity_lots=1, origin=999 << 32 | 1
    ),
    "bytes that are no record": b"\x08\0\0\0\x01\0\0\0",
}


def test_a_gateway_that_overreaches_is_cut_and_nothing_is_journaled(tmp_path: Path) -> None:
    config = small_config(tmp_path)
    with Child(tmp_path, "tests.integration.toy_core") as core:
        wait_until_listening(core, config)
        for payload in OVERREACHING.values():
            link = LinkUser(config.core_socket, "gateway")
            link.send(FrameType.COMMANDS, payload)
            with pytest.raises(ConnectionError):
                link.receive_until_cut()
            assert all(event.request == 0 for event in link.applied_on_the_way), "only the venue's own clean-up"
            link.close()
        watcher = LinkUser(config.core_socket, "feed")
        own = commands.new_order(
            account=16, instrument=0, side=0, price_ticks=1, quantity_lots=1, origin=7 << 32, request=5
        )
        watcher.send(FrameType.COMMANDS, own)
        applied = watcher.receive_applied()
        while not any(event.request == 5 for event in applied):
            applied += watcher.receive_applied()
        watcher.close()
        assert core.log_text().count("own clients only") == len(OVERREACHING)

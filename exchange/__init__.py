"""The deterministic core: clearing and matching composed under one sequence.

Lives here: one file per command family, the dispatcher, snapshot, replay, digest.
Does not know: files, sockets, JSON, asyncio, the clock.
"""

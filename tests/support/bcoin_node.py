"""A real Bitcoin full node on regtest, run as a child process: bcoin 1.0.2 from npm.

Lives here: installing it once into a cache directory, starting and stopping it, saying why it cannot be had.
Does not know: what is tested with it.
"""

import asyncio
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from runtime.node_rpc import NodeProblem, NodeRpc

PACKAGE = '{"private": true, "dependencies": {"bcoin": "1.0.2"}, "overrides": {"leveldown": "6.1.1"}}\n'
API_KEY = "regtest-only"
PAY_TO = "rb1qqurswpc8qurswpc8qurswpc8qurswpc8cfe4l2"  # any valid regtest address; nobody has its key
INSTALL_SECONDS = 180
START_SECONDS = 30


class NodeNotToBeHad(Exception):
    """The node cannot be installed here; the message says why."""


def cache_directory() -> Path:
    """Where the package is kept between runs: $HASHBOOK_TEST_CACHE, else .cache in the repository (git-ignored)."""
    root = os.environ.get("HASHBOOK_TEST_CACHE")
    return (Path(root) if root else Path(__file__).parents[2] / ".cache") / "bcoin-1.0.2"


def install() -> Path:
    """The node's program, installed if it is not there yet."""
    for tool in ("node", "npm"):
        if shutil.which(tool) is None:
            raise NodeNotToBeHad(f"{tool} is not installed")
    home = cache_directory()
    program = home / "node_modules" / ".bin" / "bcoin-node"
    if program.exists():
        return program
    home.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home.parent) as scratch:
        fresh = Path(scratch) / "package"
        fresh.mkdir()
        (fresh / "package.json").write_text(PACKAGE)
        command = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund"]
        try:
            done = subprocess.run(
                command, cwd=fresh, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise NodeNotToBeHad(f"npm install took more than {INSTALL_SECONDS} s") from error
        if done.returncode:
            raise NodeNotToBeHad(f"npm install failed: {done.stderr.strip()[-300:]}")
        if not home.exists():  # another run may have been faster
            fresh.rename(home)
    return program


@contextmanager
def running_node() -> Iterator[NodeRpc]:
    """A fresh regtest node, only in memory, only on loopback; killed by its pid at the end."""
    program = install()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as prefix:
        command = [
            str(program), "--network", "regtest", "--memory", "--prefix", prefix, "--api-key", API_KEY,
            "--http-host", "127.0.0.1", "--http-port", str(port), "--no-wallet", "--listen=false",
        ]  # fmt: skip
        log = Path(prefix) / "output.txt"
        with log.open("wb") as output:
            process = subprocess.Popen(
                command, stdout=output, stderr=output, env={**os.environ, "NODE_BACKEND": "js"}, start_new_session=True
            )
        try:
            rpc = NodeRpc("127.0.0.1", port, user="x", password=API_KEY, timeout_s=5)
            _wait_until_ready(rpc, process, log)
            yield rpc
        finally:
            process.kill()
            process.wait(timeout=10)


def _wait_until_ready(rpc: NodeRpc, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            asyncio.run(rpc.call("getblockcount"))
            return
        except NodeProblem as problem:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"bcoin did not start: {problem}: {log.read_text()[-300:]}") from problem
        time.sleep(0.1)

"""A supervisor over toy children: `python -m tests.integration.toy_venue NAME=WHAT[:VALUE] ...`."""

import sys

from runtime.config import load_config
from runtime.supervisor import DOOR, INNER, ChildSpec, Supervisor

if __name__ == "__main__":
    specs, commands = [], {}
    for argument in sys.argv[1:]:
        name, _, what = argument.partition("=")
        specs.append(ChildSpec(name, "unused", DOOR if name == "gateway" else INNER))
        commands[name] = [sys.executable, "-m", "tests.integration.toy_child", *what.split(":")]
    sys.exit(Supervisor(load_config(), specs, commands=commands, say=lambda line: print(line, flush=True)).run())

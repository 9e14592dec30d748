"""A follower process with the toy machine. With TOY_SKEW in the environment its machine disagrees with the core's."""

import os
import sys

from domain.limits import Limits
from runtime.engine import Engine
from runtime.follower_process import main
from tests.unit.runtime.toy import TOY, ToyMachine


def create_skewed(limits: Limits) -> ToyMachine:
    """A machine that is not deterministic, as seen from the core."""
    machine = ToyMachine.create(limits)
    machine.skew = os.environ.get("TOY_SKEW", "").encode()
    return machine


if __name__ == "__main__":
    sys.exit(main([], engine=Engine(create_skewed, TOY.load_state, TOY.stamp_records)))

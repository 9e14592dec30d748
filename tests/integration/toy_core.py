"""A core process with the toy machine, for tests that kill it. Run as a module; HASHBOOK_HOME says where. With
TOY_FAIL=write:9 in the environment its disk fails the ninth write for ever (or sync, rename, sync_folder)."""

import os
import sys

from runtime.core_process import main
from runtime.disk import Disk
from tests.unit.runtime.test_journal import FailingDisk
from tests.unit.runtime.toy import TOY


def disk() -> Disk:
    """As the environment says."""
    kind, _, at = os.environ.get("TOY_FAIL", "").partition(":")
    return FailingDisk(kind, int(at)) if kind else Disk()


if __name__ == "__main__":
    sys.exit(main([], engine=TOY, disk=disk()))

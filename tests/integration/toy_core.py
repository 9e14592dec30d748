"""A core process with the toy machine, for tests that kill it. Run as a module; HASHBOOK_HOME says where."""

import sys

from runtime.core_process import main
from tests.unit.runtime.toy import TOY

if __name__ == "__main__":
    sys.exit(main([], engine=TOY))

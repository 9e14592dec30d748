"""Exit codes of the venue's processes: the supervisor and people act on them.

Does not know: who exits. Table with what to do: docs/how-to/recover.md.
"""

from typing import Final

EXIT_CLEAN: Final = 0
EXIT_USAGE: Final = 2  # bad arguments or configuration
EXIT_JOURNAL_DAMAGED: Final = 3  # the message names segment and group; nothing was changed
EXIT_INVARIANT: Final = 4  # a law was broken; the journal holds the record that did it
EXIT_DIGEST_MISMATCH: Final = 5  # follower and core disagree about the same commands
EXIT_DISK: Final = 6  # a write or sync failed; nothing unacknowledged was promised
EXIT_BUSY: Final = 7  # another process holds the journal or the port
EXIT_GAVE_UP: Final = 8  # a child died too often
EXIT_CORE_AWAY: Final = 9  # no core to talk to; trying again may help

# Restarting does not help after these: a person must look first.
EXITS_FINAL: Final = frozenset({EXIT_USAGE, EXIT_JOURNAL_DAMAGED, EXIT_INVARIANT, EXIT_DIGEST_MISMATCH, EXIT_BUSY})

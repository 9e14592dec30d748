"""What every process of a venue does at its start and end.

Lives here: dying with the parent, the process id file, priorities, reporting, the socket's address.
Does not know: what the process is for.
"""

import ctypes
import gc
import os
import signal
import sys
from pathlib import Path
from typing import Final

SOCKET_PATH_BYTES_MAX: Final = 100  # the kernel takes 107
_PR_SET_PDEATHSIG: Final = 1
GC_ALLOCATIONS: Final = 100_000  # more objects made than freed, before the young generation is looked through
GC_YOUNG_RUNS: Final = 50
GC_MIDDLE_RUNS: Final = 100


def die_with_parent() -> None:
    """Ask the kernel for SIGTERM when the parent is gone, so that no process of a killed venue stays behind.

    Does nothing where the system has no such call (not Linux). Raises OSError if the call fails.
    """
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")


def yield_to_others(niceness: int) -> None:
    """Let processes that clients wait for go first. Raises OSError."""
    os.nice(niceness)


def calm_collector() -> None:
    """Take what is there out of the cycle collector's sight and let it run rarely: its pauses are clients' latency.

    Nearly everything here dies by reference count; what does not is found a hundred times later, not never.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_ALLOCATIONS, GC_YOUNG_RUNS, GC_MIDDLE_RUNS)


def report(process: str, text: str) -> None:
    """One line for people, on standard error."""
    print(f"{process}: {text}", file=sys.stderr, flush=True)


def write_process_id(run_folder: Path, name: str) -> Path:
    """Write `<name>.pid`, so that tests and people can find the process."""
    run_folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = run_folder / f"{name}.pid"
    path.write_text(f"{os.getpid()}\n", encoding="ascii")
    return path


def socket_address(path: Path) -> str:
    """The path to bind or connect; long ones go through an open folder, because the kernel bounds their length.

    The folder stays open for the life of the process, once per call with a long path.
    """
    text = str(path)
    if len(os.fsencode(text)) <= SOCKET_PATH_BYTES_MAX:
        return text
    folder_fd = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    return f"/proc/self/fd/{folder_fd}/{path.name}"

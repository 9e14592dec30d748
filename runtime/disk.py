"""The few things the journal and the snapshots ask of a disk.

Lives here: durable file operations as one small object, so that tests and a simulation can put a failing disk in place.
Does not know: what is in the files.
Theory of operation: a file's bytes are durable after `sync_data`; a file's name is durable after `sync_folder`. A
failed sync is never tried again by anybody: after it nobody can say what is on the disk (the kernel has marked the
pages clean), so callers let the error end the process and read the file again after a restart.
"""

import mmap
import os
from pathlib import Path
from typing import Final

ZERO_CHUNK_BYTES: Final = 1 << 20
_ZEROS: Final = bytes(ZERO_CHUNK_BYTES)


class Disk:
    """A real disk. Every method may raise OSError."""

    def open_for_write(self, path: Path, *, create: bool = False) -> int:
        """File descriptor for `write_at`; `create` demands that the file does not exist yet."""
        flags = os.O_RDWR | os.O_CLOEXEC
        return os.open(path, flags | os.O_CREAT | os.O_EXCL if create else flags, 0o600)

    def write_at(self, fd: int, data: bytes | memoryview, offset_bytes: int) -> None:
        """Write all of `data`; a short write is continued, an error is not."""
        view = memoryview(data)
        while view:
            written = os.pwrite(fd, view, offset_bytes)
            view = view[written:]
            offset_bytes += written

    def fill_zeros(self, fd: int, start_bytes: int, end_bytes: int) -> None:
        """Write zeros, so that later writes into the range need no change of the file's metadata."""
        while start_bytes < end_bytes:
            size = min(ZERO_CHUNK_BYTES, end_bytes - start_bytes)
            self.write_at(fd, _ZEROS[:size] if size < ZERO_CHUNK_BYTES else _ZEROS, start_bytes)
            start_bytes += size

    def sync_data(self, fd: int) -> None:
        """The file's bytes are on the disk when this returns."""
        os.fdatasync(fd)

    def close(self, fd: int) -> None:
        """Give the descriptor back."""
        os.close(fd)

    def rename(self, source: Path, target: Path) -> None:
        """Atomically give a file another name; durable after `sync_folder`."""
        os.rename(source, target)

    def remove(self, path: Path) -> None:
        """Remove a file."""
        os.unlink(path)

    def sync_folder(self, folder: Path) -> None:
        """Names created, changed or removed in `folder` are on the disk when this returns."""
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def size(self, fd: int) -> int:
        """Length of the file in bytes."""
        return os.fstat(fd).st_size

    def map_for_read(self, path: Path) -> memoryview:
        """The file's present bytes, read-only; later writes into the same range are seen."""
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            if os.fstat(fd).st_size == 0:
                return memoryview(b"")
            return memoryview(mmap.mmap(fd, 0, prot=mmap.PROT_READ))
        finally:
            os.close(fd)


def is_zero(view: memoryview) -> bool:
    """True if every byte is zero. Cost: one pass at memory speed."""
    for start in range(0, len(view), ZERO_CHUNK_BYTES):
        part = view[start : start + ZERO_CHUNK_BYTES]
        if part != (_ZEROS if len(part) == ZERO_CHUNK_BYTES else _ZEROS[: len(part)]):
            return False
    return True

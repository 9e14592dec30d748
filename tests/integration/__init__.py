"""Real processes, real files, real sockets on the loopback."""

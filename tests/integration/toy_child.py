"""A child for supervisor tests: does what its arguments say. `serve PORT HOME` answers HTTP and writes the port file;
`die CODE` ends at once; `deaf` ignores SIGTERM; `wait` ends on SIGTERM. All note their process id in HOME/pids."""

import http.server
import os
import signal
import sys
import time
from pathlib import Path


class Ok(http.server.BaseHTTPRequestHandler):
    """200 to everything."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


def main(home: Path, what: str, value: int) -> int:
    with (home / "pids").open("a") as pids:
        pids.write(f"{what} {os.getpid()}\n")
    if what == "die":
        return value
    if what == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    else:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    if what == "serve":
        server = http.server.HTTPServer(("127.0.0.1", 0), Ok)
        (home / "run").mkdir(exist_ok=True)
        (home / "run" / "gateway.port").write_text(f"{server.server_port}\n")
        server.serve_forever()
    time.sleep(60)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(os.environ["HASHBOOK_HOME"]), sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 0))

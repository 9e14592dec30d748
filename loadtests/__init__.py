"""Load on a running venue, with latency counted from the moment a request was due."""

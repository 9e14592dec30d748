"""The processes: sequencing, durability, links, recovery, history, command line. See README.md."""

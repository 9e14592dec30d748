"""The dictionary of hashbook: units, ids, instruments, commands, events, reject codes and wire structs.

Lives here: names and exact arithmetic that every room shares.
Does not know: any behaviour beyond parse, format, compare and exact arithmetic.
"""

"""Outgoing websocket frames, made by hand: a server's frames carry no mask, so one encoded frame serves every reader.

Lives here: the frame header. Does not know: connections. Incoming frames are the `websockets` library's business.
"""

_TEXT_FIN = 0x81


def text_frame(payload: bytes) -> bytes:
    """One unfragmented text frame (RFC 6455 section 5.2)."""
    length = len(payload)
    if length < 126:
        return bytes((_TEXT_FIN, length)) + payload
    if length < 65_536:
        return bytes((_TEXT_FIN, 126, length >> 8, length & 0xFF)) + payload
    return bytes((_TEXT_FIN, 127)) + length.to_bytes(8, "big") + payload

"""Text frames of the WebSocket protocol as bytes, made once and written to every connection that wants them.

Frames from a server are not masked (RFC 6455, 5.1), so equal payloads are equal bytes for every client.
"""


def text_frame(payload: bytes) -> bytes:
    """One whole text frame."""
    length = len(payload)
    if length < 126:
        return bytes((0x81, length)) + payload
    if length < 65_536:
        return b"\x81\x7e" + length.to_bytes(2, "big") + payload
    return b"\x81\x7f" + length.to_bytes(8, "big") + payload

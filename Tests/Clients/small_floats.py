"""Floats of four bytes, which Python does not have."""

import struct


def single(value):
    """The nearest float of four bytes."""
    return struct.unpack("<f", struct.pack("<f", value))[0]


def shortest_single(value):
    """A short text that reads as that float."""
    for digits in range(1, 10):
        text = f"{value:.{digits}g}"
        if single(float(text)) == value:
            return text
    return repr(value)


def same(text, value, shortest):
    """Whether a text reads as the value, and is as short as it can be."""
    parsed = float(text)
    is_single = shortest is shortest_single
    digits = len("".join(c for c in text.decode().split("e")[0] if c.isdigit()).strip("0"))
    wanted = len("".join(c for c in shortest(value).split("e")[0] if c.isdigit()).strip("0"))
    return (single(parsed) if is_single else parsed) == value and (digits <= wanted or value == int(value))

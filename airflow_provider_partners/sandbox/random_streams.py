"""The one gateway to randomness: everything seeded draws from a stream made here, so that a number names a whole world.

Each subject (a shop's orders, its returns, its credentials) has a stream of its own, so that a change to one leaves the
others as they were. This module knows nothing of what is drawn.
"""

from __future__ import annotations

from random import Random


def stream(seed: int, *subject: str | int) -> Random:
    """The random numbers of one subject in the world of one seed.

    >>> stream(7, "orders").random() == stream(7, "orders").random()
    True
    """
    return Random("/".join(str(part) for part in (seed, *subject)))


def hexadecimal(chance: Random, length: int) -> str:
    """So many random hexadecimal digits."""
    return f"{chance.getrandbits(4 * length):0{length}x}"


def uuid(chance: Random) -> str:
    """A random identifier in the form of a version 4 UUID."""
    text = hexadecimal(chance, 32)
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"

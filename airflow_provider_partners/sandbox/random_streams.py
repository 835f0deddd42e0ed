"""The only source of random numbers: every seeded value comes from a stream made here, so a seed determines a world.

Each subject (a shop's orders, its returns, its credentials) has its own stream, so that a change to one subject does
not change the others.
"""

from __future__ import annotations

from random import Random


def stream(seed: int, *subject: str | int) -> Random:
    """Return the random numbers of one subject in the world of one seed.

    >>> stream(7, "orders").random() == stream(7, "orders").random()
    True
    """
    return Random("/".join(str(part) for part in (seed, *subject)))


def hexadecimal(rng: Random, length: int) -> str:
    """Return ``length`` random hexadecimal digits."""
    return f"{rng.getrandbits(4 * length):0{length}x}"


def uuid(rng: Random) -> str:
    """Return a random identifier in the form of a version 4 UUID."""
    text = hexadecimal(rng, 32)
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"

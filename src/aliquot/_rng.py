"""Seeds: whatever the caller gives as ``rng=`` becomes one integer, and that integer 256 bits of key.

The integer is what a sample records, so that ``rng=<that integer>`` draws it again.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from aliquot._checks import describe

RNG: TypeAlias = int | np.integer | np.random.SeedSequence | np.random.BitGenerator | np.random.Generator | None
Words: TypeAlias = NDArray[np.uint64]

_WORD = 2**64 - 1
DEFAULT_POOL = 4
"""Words of a SeedSequence's pool; one of more mixes its entropy otherwise than the integer alone would be."""


def seed_of(rng: RNG) -> int:
    """The integer that stands for ``rng`` (SPEC 7). A Generator or BitGenerator is advanced once, by 256 bits."""
    if rng is None:
        return _entropy(np.random.SeedSequence())
    if isinstance(rng, np.random.SeedSequence):
        if isinstance(rng.entropy, int) and not rng.spawn_key and rng.pool_size == DEFAULT_POOL:
            return rng.entropy
        return _join(_state(rng))
    if isinstance(rng, np.random.BitGenerator):
        rng = np.random.Generator(rng)
    if isinstance(rng, np.random.Generator):
        # One call, and so one hold of the generator's own lock: threads that share it get disjoint words.
        return _join(rng.integers(0, 2**64, size=4, dtype=np.uint64))
    if isinstance(rng, int | np.integer) and not isinstance(rng, bool):
        if rng < 0:
            raise ValueError(f"rng: must not be negative, got {rng}")
        return int(rng)
    raise TypeError(
        "rng: must be None, an integer, a SeedSequence, a BitGenerator or a Generator, got " + describe(rng)
    )


def key_of(seed: int) -> Words:
    """The 256 bits, uint64 of shape (4,), that every kernel starts from."""
    return _state(np.random.SeedSequence(seed))


def subkey(seed: Words, purpose: int) -> list[int]:
    """The seed material of one purpose, as csrc/aliquot/random.hpp has it."""
    return [_mix64(word + 0x9E3779B97F4A7C15 * purpose & _WORD) for word in seed.tolist()]


def _mix64(x: int) -> int:
    x ^= x >> 27
    x = x * 0x3C79AC492BA7B653 & _WORD
    x ^= x >> 33
    x = x * 0x1C69B3F74AC4AE35 & _WORD
    return x ^ x >> 27


def _state(sequence: np.random.SeedSequence) -> Words:
    return sequence.generate_state(4, np.uint64).astype(np.uint64, copy=False)


def _entropy(sequence: np.random.SeedSequence) -> int:
    assert isinstance(sequence.entropy, int)
    return sequence.entropy


def _join(words: Words) -> int:
    return int.from_bytes(words.astype("<u8").tobytes(), "little")

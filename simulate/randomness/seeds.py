"""From the user's seed to the key of each replicate's stream."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hsgd.checks import integer


@dataclass(frozen=True)
class Seed:
    """A seed: its 64-bit base key, and the words that record it."""

    base: int
    attributes: dict[str, str]
    sequence: np.random.SeedSequence = field(compare=False)
    """What it was made of, fresh entropy included."""

    def key(self, replicate: int) -> tuple[int, int]:
        """Philox key of a replicate: base + replicate modulo 2⁶⁴, as two words of 32 bits.

        Within a seed no two replicates share a key. Two seeds share one with probability about
        (replicates)/2⁶³, because their bases are hashes. Philox is built for consecutive keys.
        """
        key = (self.base + replicate) % 2**64
        return key & 0xFFFFFFFF, key >> 32


def as_seed(seed: Any) -> Seed:
    """The `Seed` of an int or a `numpy.random.SeedSequence`; fresh entropy for None.

    `SeedSequence` hashes the seed into the base key, so that similar seeds are unrelated.

    Raises
    ------
    TypeError, ValueError
        For a generator, any other type, or a negative number.
    """
    if isinstance(seed, np.random.Generator | np.random.RandomState | np.random.BitGenerator):
        raise TypeError(
            f"seed is a {type(seed).__name__}, but the random streams keep no state: pass an int "
            "or a numpy.random.SeedSequence."
        )
    if not isinstance(seed, np.random.SeedSequence):
        seed = np.random.SeedSequence(
            None if seed is None else integer("seed", seed, minimum=0, maximum=None)
        )
    low, high = (int(word) for word in seed.generate_state(2, np.uint32))
    return Seed(low | high << 32, _record(seed), seed)


def _record(sequence: np.random.SeedSequence) -> dict[str, str]:
    entropy = sequence.entropy
    numbers = [entropy] if isinstance(entropy, int | np.integer) else list(entropy or ())
    record = {"seed": " ".join(str(int(number)) for number in numbers)}
    if sequence.spawn_key:
        record["seed_spawn_key"] = json.dumps([int(number) for number in sequence.spawn_key])
    return record

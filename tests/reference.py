"""Slow and obvious versions of the kernels. Stream v1 is defined twice, here and in csrc, and must agree to the bit."""

import math
import struct
from fractions import Fraction
from functools import cache

import numpy as np

MASK = 2**64 - 1


def mix64(x):
    x ^= x >> 27
    x = x * 0x3C79AC492BA7B653 & MASK
    x ^= x >> 33
    x = x * 0x1C69B3F74AC4AE35 & MASK
    return x ^ x >> 27


def subkey(seed, purpose):
    return [mix64((int(word) + 0x9E3779B97F4A7C15 * purpose) & MASK) for word in seed]


class Generator:
    """xoshiro256++ begun from a key and an id."""

    def __init__(self, key, id):
        self.s = [mix64((word + id) & MASK) for word in key]

    def __call__(self):
        def rotl(x, k):
            return (x << k | x >> (64 - k)) & MASK

        s = self.s
        word = (rotl((s[0] + s[3]) & MASK, 23) + s[0]) & MASK
        shifted = s[1] << 17 & MASK
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= shifted
        s[3] = rotl(s[3], 45)
        return word

    def below(self, n, bits):
        """Lemire's method with words of this many bits."""
        while True:
            product = (self() >> 64 - bits) * n
            if product % 2**bits >= 2**bits % n:
                return product >> bits


def minus_log(x):
    """The same sums in the same order as csrc/aliquot/random.hpp."""
    bits = struct.unpack("<q", struct.pack("<d", x))[0]
    exponent = (bits - 0x3FE6A09E667F3BCD) >> 52
    m = struct.unpack("<d", struct.pack("<q", bits - (exponent << 52)))[0]
    s = (m - 1.0) / (m + 1.0)
    z = s * s
    z2 = z * z
    z4 = z2 * z2
    low = (1.0 / 3 + z * (1.0 / 5)) + z2 * (1.0 / 7 + z * (1.0 / 9))
    high = (1.0 / 11 + z * (1.0 / 13)) + z2 * (1.0 / 15 + z * (1.0 / 17))
    series = low + z4 * (high + z4 * (1.0 / 19))
    log_m = 2.0 * s + 2.0 * s * z * series
    return -(float(exponent) * float.fromhex("0x1.62E42FEFA39EFp-1") + log_m)


@cache
def layers():
    r, exp_minus_r, area = 7.69711747013104972, 4.54134353841496600e-04, 3.949659822581572e-03
    edge, height = [area / exp_minus_r, r], [0.0, exp_minus_r]
    for i in range(2, 256):
        height.append(height[i - 1] + area / edge[i - 1])
        edge.append(minus_log(height[i]))
    return [*edge, 0.0], [*height, 1.0]


def exponential(random):
    edge, height = layers()
    tail = 0.0
    while True:
        word = random()
        i = word & 255
        x = float(word >> 11) * 2.0**-53 * edge[i]
        if x < edge[i + 1]:
            return tail + x
        if i == 0:
            tail += edge[1]
            continue
        u = float(random() >> 11) * 2.0**-53
        if x < minus_log(height[i] + u * (height[i + 1] - height[i])):
            return tail + x


def top_nodes(n):
    """(level, first row) of the trees that cover rows 0 ... n-1."""
    base = 0
    while base < n:
        level = 0
        while level < 8 and base >> (12 + 6 * (level + 1)):
            level += 1
        yield level, base
        base += 1 << 12 + 6 * level


def row_keys(seed, n):
    """Every key of rows 0 ... n-1, the whole tree dealt out."""
    seed = subkey(seed, 1)
    keys = np.full(n, np.nan)

    def deal(level, base, random, key):
        fan_out = 4096 if level == 0 else 64
        rows_each = 1 if level == 0 else 1 << 12 + 6 * (level - 1)
        order = list(range(fan_out))
        for left in range(fan_out, 0, -1):
            at = random.below(left, 32)
            child = order[at]
            order[at] = order[left - 1]
            first = base + child * rows_each
            if level == 0:
                if first < n:
                    keys[first] = key
            elif first < n:
                deal(level - 1, first, Generator(seed, first | level - 1), key)
            if left > 1:
                key += exponential(random) / (float(rows_each) * float(left - 1))

    for level, base in top_nodes(n):
        random = Generator(seed, base | level)
        deal(level, base, random, exponential(random) / float(1 << 12 + 6 * level))
    return keys


def smallest(keys, k):
    """The rows with the k smallest keys, ascending."""
    return np.sort(np.lexsort((np.arange(len(keys)), keys))[:k])


def draws_with_replacement(seed, n, rows_by_key, size):
    """Which row each of ``size`` independent draws is, given all rows in order of their keys."""
    random = Generator(subkey(seed, 3), 0)
    seen = []
    for _ in range(size):
        rank = random.below(n, 64)
        if rank >= len(seen):
            seen.append(rows_by_key[len(seen)])
            rank = len(seen) - 1
        yield seen[rank]


def alias_threshold(cell, rest, word_bits):
    """What of a cell is its own outcome's, as a fraction."""
    alias_bits, exponent_bits = {64: (40, 12), 16: (8, 3)}[word_bits]
    prefix_bits = word_bits - alias_bits
    prefix = cell >> alias_bits
    if prefix:
        return Fraction(prefix << word_bits | rest, 2 ** (prefix_bits + word_bits))
    # A floating number with the layout of IEEE 754: no sign, subnormal numbers, and 1/2 to 1 for the last exponent.
    fraction_bits = word_bits - exponent_bits
    exponent, fraction = divmod(rest, 2**fraction_bits)
    mantissa = Fraction(fraction, 2**fraction_bits) + (exponent > 0)
    return mantissa * Fraction(2) ** (max(exponent, 1) - 2**exponent_bits - prefix_bits)


def alias_cells(masses, full):
    """Thresholds and aliases of a table: the sweep, step by step. ``full`` is the mass of a cell."""
    small = [i for i, mass in enumerate(masses) if mass < full]
    large = [i for i, mass in enumerate(masses) if mass >= full]
    thresholds, aliases = [0] * len(masses), list(range(len(masses)))
    hand = large.pop(0)
    left = masses[hand]
    while small or left < full:
        if left >= full:
            done = small.pop(0)
            thresholds[done], aliases[done] = masses[done], hand
            left -= full - masses[done]
        else:
            thresholds[hand], aliases[hand] = left, large[0]
            left += masses[large[0]] - full
            hand = large.pop(0)
    return thresholds, aliases


def alias_draws(thresholds, aliases, seed, first, size):
    """Outcomes number ``first`` and on. Thresholds of 2**-24 of a cell and more, of which all bits are drawn."""
    key = subkey(seed, 4)
    n = len(thresholds)
    for at in range(first, first + size):
        if at % 2**16 == 0 or at == first:
            lanes = [Generator(key, 8 * (at // 2**16) + lane) for lane in range(8)]
        x = lanes[at % 8]()
        more = Generator(key, ~at & MASK)
        place = x * n + more.below(n, 64)
        coin = Fraction((place & MASK) << 24 | more() >> 40, 2**88)
        yield place >> 64 if coin < thresholds[place >> 64] else aliases[place >> 64]


def hash_value(seed, value):
    """The 64-bit hash of an int, whole or broken float, string, bytes or None."""
    k = subkey(seed, 2)

    def finish(x, kind):
        return mix64((mix64(x ^ k[0]) + mix64((k[1] + kind) & MASK)) & MASK)

    if value is None:
        return finish(0, 5)
    if isinstance(value, float):
        if math.isnan(value):
            return finish(0, 3)
        if not (math.isfinite(value) and value.is_integer() and -(2**63) <= value < 2**64):
            return finish(struct.unpack("<Q", struct.pack("<d", value))[0], 2)
        value = int(value)
    if isinstance(value, int):
        return finish(value & MASK, int(value >= 2**63))
    data = value.encode() if isinstance(value, str) else value
    h = k[2] ^ len(data)
    for i in range(0, len(data), 8):
        h = mix64((h ^ int.from_bytes(data[i : i + 8], "little")) + k[3] & MASK)
    return finish(h, 4)


def hash_parts(seed, values, names, shares):
    """The part of each value: where an exponential variate by value and name, over the share, is smallest."""
    from aliquot._kernels.random import exponentials_of

    key = subkey(seed, 9)
    hashes = [hash_value(key, value) for value in values]
    quotients = []
    for name, share in zip(names, shares, strict=True):
        salt = hash_value(key, name)
        words = [mix64(mix64((each + salt) & MASK) ^ salt) for each in hashes]
        quotients.append(exponentials_of(np.array(words, np.uint64)) * (1 / share))
    return np.argmin(quotients, axis=0)


def mix32(x):
    x ^= x >> 16
    x = x * 0x21F0AAAD & 0xFFFFFFFF
    x ^= x >> 15
    x = x * 0xD35A2D97 & 0xFFFFFFFF
    return x ^ x >> 15


def row_hash(seed, row):
    """The 64-bit hash behind the weighted key of a row."""
    random = Generator(subkey(seed, 5), row >> 32)
    word, low = random(), random()
    row &= 0xFFFFFFFF
    upper = mix32(row + (word & 0xFFFFFFFF) & 0xFFFFFFFF) + mix32(row ^ word >> 32) & 0xFFFFFFFF
    return upper << 32 | mix64(low + row & MASK) >> 32


def weighted_keys(seed, weights, design, first_row=0):
    """The key of each row, infinite for weight zero."""
    from aliquot._kernels.random import exponentials_of

    hashes = np.array([row_hash(seed, first_row + i) for i in range(len(weights))], np.uint64)
    numerators = (
        exponentials_of(hashes) if design == "successive" else (hashes >> np.uint64(11)).astype(float) * 2.0**-53
    )
    with np.errstate(divide="ignore", over="ignore"):
        keys = numerators / weights
    # From 2**1023 on, binade by binade, each a 64th of the last one.
    for i in np.flatnonzero((keys >= 2.0**1023) & (np.asarray(weights) > 0)):
        mantissa, exponent = math.frexp(numerators[i] * 2.0**-64 / weights[i])
        keys[i] = 2.0**1023 * (1 + (math.floor((2 * mantissa - 1) * 2.0**46) * 2.0**-46 + (exponent - 960)) / 64)
    keys[np.asarray(weights) == 0] = np.inf
    return keys


def split_keys(seed, n, first=0):
    """Keys by row number, for splits: the upper half the sum of two bijections of 32 bits, the lower half of another."""
    words = subkey(seed, 6)[:2]
    add, flip = words[0] & 0xFFFFFFFF, words[0] >> 32
    rows = range(first, first + n)
    return [
        ((mix32(row + add & 0xFFFFFFFF) + mix32(row ^ flip)) & 0xFFFFFFFF) << 32 | mix64(words[1] + row & MASK) >> 32
        for row in rows
    ]


def largest_remainder(n, weights):
    """Rows of each part in proportion to weights, ties to the earlier one."""
    exact = [Fraction(str(weight)) for weight in weights]
    exact = [n * weight / sum(exact) for weight in exact]
    rows = [math.floor(each) for each in exact]
    for j in sorted(range(len(rows)), key=lambda j: (rows[j] - exact[j], j))[: n - sum(rows)]:
        rows[j] += 1
    return rows


def roc_area(y_true, y_score, weights=None):
    """Pair by pair, a tie half, as a Fraction."""
    w = [Fraction(1)] * len(y_true) if weights is None else [Fraction(each) for each in weights]
    rows = list(zip(y_true, map(float, y_score), w, strict=True))
    positive = [row for row in rows if row[0]]
    negative = [row for row in rows if not row[0]]
    area = sum(p * n * (Fraction(1) if s > t else Fraction(s == t, 2)) for _, s, p in positive for _, t, n in negative)
    return area / (sum(p for *_, p in positive) * sum(n for *_, n in negative))


def average_precision(y_true, y_score, weights=None):
    """Precision at the score of each positive row, averaged, as a Fraction."""
    w = [Fraction(1)] * len(y_true) if weights is None else [Fraction(each) for each in weights]
    rows = list(zip(y_true, map(float, y_score), w, strict=True))
    total = Fraction(0)
    for label, score, weight in rows:
        if label:
            above = [(y, each) for y, s, each in rows if s >= score]
            total += weight * sum(each for y, each in above if y) / sum(each for _, each in above)
    return total / sum(weight for label, _, weight in rows if label)

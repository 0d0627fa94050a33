"""Stream v1: frozen, the same as the slow reference, the same on every instruction set."""

import math
import shutil
import subprocess
from pathlib import Path

import numpy as np
from scipy import stats

import laws
import reference
from aliquot import _rng
from aliquot._kernels import random

SEED = _rng.key_of(7)


def test_golden_words():
    assert random.words(np.arange(1, 5, dtype=np.uint64), 0, 3).tolist() == GOLDEN_WORDS


GOLDEN_WORDS = [15814672653948879642, 13376213417710898848, 6790331209038330923]


def test_words_are_those_of_the_reference():
    for id in (0, 1, 4096, 2**62 - 1):
        slow = reference.Generator([int(word) for word in SEED], id)
        assert random.words(SEED, id, 100).tolist() == [slow() for _ in range(100)]


def test_exponentials_are_those_of_the_reference():
    slow = reference.Generator([int(word) for word in SEED], 3)
    fast = random.exponentials(SEED, 3, 20_000)
    assert fast.tolist() == [reference.exponential(slow) for _ in range(20_000)]


def test_minus_log_is_accurate_to_two_units_in_the_last_place():
    random_bits = np.random.default_rng(1)
    values = np.concatenate(
        [1 - random_bits.random(20_000), 2.0 ** -(random_bits.random(20_000) * 60), [1.0, 0.5, 2**-53]]
    )
    ours = random.minus_logs(values)
    exact = -np.log(values)
    assert np.all(np.abs(ours - exact) <= 2 * np.spacing(exact) + 1e-300)
    assert random.minus_logs(np.array([1.0]))[0] == 0.0


def test_exponential_of_a_word_is_minus_log_of_its_complement():
    words = np.array([0, 1, 2**20, 2**55, 2**56 - 1, 2**56, 2**63, 2**64 - 1], np.uint64)
    exact = [
        -math.log1p(-float(word) * 2.0**-64) if word < 2**63 else -math.log((2**64 - int(word)) * 2.0**-64)
        for word in words
    ]
    ours = random.exponentials_of(words)
    np.testing.assert_allclose(ours[:-1], exact[:-1], rtol=1e-12)
    assert ours[-1] == -math.log(2.0**-53)  # 53 bits away from zero
    assert np.all(np.diff(ours) >= 0)


def test_exponentials_are_exponential():
    drawn = np.concatenate([random.exponentials(SEED, id, 200_000) for id in range(10)])
    edges = -np.log1p(-np.linspace(0, 1, 1001)[1:-1])
    counts = np.bincount(np.searchsorted(edges, drawn), minlength=1000)
    laws.assert_fits(counts, np.full(1000, len(drawn) / 1000))
    tail = drawn[drawn > 7.69711747013104972]  # beyond the ziggurat's last layer
    assert stats.kstest(tail - 7.69711747013104972, "expon").pvalue > laws.ALPHA


def test_first_words_of_neighbouring_ids_are_independent():
    first = np.array([random.words(SEED, id, 1)[0] for id in range(50_000)])
    for shift in (0, 32, 56):
        bytes_ = (first >> np.uint64(shift) & np.uint64(255)).astype(int)
        pairs = bytes_[:-1] // 16 * 16 + bytes_[1:] // 16
        laws.assert_fits(np.bincount(pairs, minlength=256), np.full(256, len(pairs) / 256))


def test_every_instruction_set_gives_the_same_bits(tmp_path):
    root = Path(__file__).parents[1]
    flags = Path("/proc/cpuinfo").read_text().split() if Path("/proc/cpuinfo").exists() else []
    levels = [[], *[[f"-march={name}"] for name, needs in ISA_LEVELS.items() if needs in flags], ["-O0"], ["-Os"]]
    digests = set()
    for level in levels:
        program = tmp_path / "digest"
        command = [shutil.which("g++") or "c++", "-std=c++20", "-O3", "-ffp-contract=off", *level]
        subprocess.run([*command, f"-I{root}/csrc", f"{root}/tests/data/stream_digest.cpp", "-o", program], check=True)
        digests.add(subprocess.run([program], check=True, capture_output=True, text=True).stdout.strip())
    assert digests == {GOLDEN_DIGEST}


ISA_LEVELS = {"x86-64-v2": "sse4_2", "x86-64-v3": "avx2", "x86-64-v4": "avx512vl"}
GOLDEN_DIGEST = "13c2698670cdd43c"


class TestSeeds:
    def test_an_integer_stands_for_itself(self):
        assert _rng.seed_of(7) == _rng.seed_of(np.int32(7)) == _rng.seed_of(np.random.SeedSequence(7)) == 7

    def test_golden_key_of_an_integer(self):
        assert _rng.key_of(7).tolist() == GOLDEN_KEY

    def test_none_is_fresh_entropy(self):
        assert _rng.seed_of(None) != _rng.seed_of(None)

    def test_a_generator_is_advanced_once_by_256_bits(self):
        used, fresh = np.random.default_rng(1), np.random.default_rng(1)
        seed = _rng.seed_of(used)
        words = fresh.integers(0, 2**64, size=4, dtype=np.uint64)
        assert seed == sum(int(word) << 64 * i for i, word in enumerate(words))
        assert used.bit_generator.state == fresh.bit_generator.state
        assert _rng.seed_of(used) != seed

    def test_a_bit_generator_counts_as_its_generator(self):
        assert _rng.seed_of(np.random.PCG64(1)) == _rng.seed_of(np.random.default_rng(1))
        assert _rng.seed_of(np.random.MT19937(1)) > 2**128

    def test_spawned_sequences_differ(self):
        children = np.random.SeedSequence(7).spawn(2)
        wider = np.random.SeedSequence(7, pool_size=8)
        assert len({_rng.seed_of(each) for each in [*children, wider]} | {7}) == 4


GOLDEN_KEY = [16920295385781661272, 610735763742393210, 7078124019849193311, 12917519645081627820]

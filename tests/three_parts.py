"""Three parts to split rows into, and when two splits are one."""

import numpy as np

THREE = {"train": 0.8, "valid": 0.1, "test": 0.1}


def same(a, b):
    return list(a) == list(b) and all(np.array_equal(a[name], b[name]) for name in a)

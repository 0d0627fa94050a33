"""Whole groups of rows dealt to parts, so that every class is shared out as evenly as the groups allow."""

from typing import Any

import numpy as np

from aliquot._kernels._numba import kernel


@kernel
def count_classes(groups: Any, low_group: Any, labels: Any, low_label: Any, starts: Any, ends: Any, seen: Any) -> Any:
    """The classes of each group, shape (pairs,), and their rows; ``starts``, shape (groups + 1,), says where they are.

    ``starts`` and ``ends``, shape (groups,), come as the number of rows before each group; ``seen``, shape (classes,),
    as -1, and is scratch.
    """
    classes, rows = np.empty(len(groups), np.int64), np.empty(len(groups), np.int64)
    for i in range(len(groups)):
        group = np.uint64(groups[i]) - np.uint64(low_group)
        classes[ends[group]] = np.uint64(labels[i]) - np.uint64(low_label)
        ends[group] += 1
    many = 0
    for g in range(len(ends)):
        first, starts[g] = starts[g], many
        for i in range(first, ends[g]):
            at = seen[classes[i]]
            if at >= starts[g]:
                rows[at] += 1
            else:
                seen[classes[i]] = many
                classes[many], rows[many] = classes[i], 1
                many += 1
    starts[-1] = many
    return classes[:many], rows[:many]


@kernel
def place(
    order: Any, starts: Any, classes: Any, rows: Any, worth: Any, scale: Any, have: Any, parts: Any, sweeps: int
) -> None:
    """Put each group into the part where it disturbs least, in ``order``, then ``sweeps`` times where that is now.

    Placing g rows of a class where there are x costs ``worth * scale * g * (2x + g)``: the sum of these is the sum of
    worth * scale * (x - target)^2 over classes and parts, but for a constant, if scale is inverse to the target. All
    are integers, whose sums fit 64 bits (not checked). ``have``, shape (classes, parts), starts at 0; ``parts``, shape
    (groups,), at -1. No part is left without a group if there are as many groups as parts.
    """
    m = len(scale)
    costs, groups_in = np.empty(m, np.int64), np.zeros(m, np.int64)
    empty = m
    for sweep in range(1 + sweeps):
        moved = False
        for turn in range(len(order)):
            group = order[turn] if sweep == 0 else order[len(order) - 1 - turn]
            before = parts[group]
            if before >= 0 and groups_in[before] == 1:
                continue
            for j in range(m):
                costs[j] = 0
            for i in range(starts[group], starts[group + 1]):
                here, each = have[classes[i]], rows[i]
                for j in range(m):
                    there = here[j] - each if j == before else here[j]
                    costs[j] += worth[classes[i]] * scale[j] * each * (2 * there + each)
            must_fill = sweep == 0 and len(order) - turn <= empty
            best = before
            for j in range(m):
                if (not must_fill or groups_in[j] == 0) and (best < 0 or costs[j] < costs[best]):
                    best = j
            if best == before:
                continue
            moved = True
            for i in range(starts[group], starts[group + 1]):
                have[classes[i], best] += rows[i]
                if before >= 0:
                    have[classes[i], before] -= rows[i]
            if before >= 0:
                groups_in[before] -= 1
            empty -= groups_in[best] == 0
            groups_in[best] += 1
            parts[group] = best
        if not moved:
            break


@kernel
def spread(groups: Any, low_group: Any, parts_of_groups: Any, parts: Any) -> None:
    """Give each row the part of its group."""
    for i in range(len(groups)):
        parts[i] = parts_of_groups[np.uint64(groups[i]) - np.uint64(low_group)]

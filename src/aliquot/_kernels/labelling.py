"""Rows with several labels dealt to parts label by label, the rarest first (iterative stratification)."""

from typing import Any

import numpy as np

from aliquot._kernels._numba import kernel


@kernel
def stratify(order: Any, starts: Any, labels: Any, weights: Any, totals: Any, n_labels: int, parts: Any) -> None:
    """Give each row a part; ``totals``, the rows of each part, are met exactly and used up.

    The labels of row i are ``labels[starts[i]:starts[i + 1]]``. The rows of the label that has fewest left go, in
    ``order``, to the part that lacks most of this label, then to that with most room. What parts lack of a label is in
    units of a row over the sum of weights.
    """
    m, whole = len(weights), weights.sum()
    left = np.zeros(n_labels, np.int64)
    for label in labels:
        left[label] += 1
    lacks = np.empty((n_labels, m), np.int64)
    for label in range(n_labels):
        for j in range(m):
            lacks[label, j] = left[label] * weights[j]
    by_label, ends = rows_by_label(order, starts, labels, left)
    parts[:] = -1
    done = np.zeros(n_labels, np.bool_)
    while True:
        rarest = -1
        for label in range(n_labels):
            if not done[label] and left[label] > 0 and (rarest < 0 or left[label] < left[rarest]):
                rarest = label
        if rarest < 0:
            break
        done[rarest] = True
        for at in range(0 if rarest == 0 else ends[rarest - 1], ends[rarest]):
            row = by_label[at]
            if parts[row] >= 0:
                continue
            part = roomiest(lacks[rarest], totals)
            parts[row] = part
            totals[part] -= 1
            for i in range(starts[row], starts[row + 1]):
                lacks[labels[i], part] -= whole
                left[labels[i]] -= 1
    for row in order:
        if parts[row] < 0:
            most = np.argmax(totals)
            parts[row] = most
            totals[most] -= 1


@kernel
def rows_by_label(order: Any, starts: Any, labels: Any, counts: Any) -> Any:
    """The rows of label 0, of label 1, ..., each in ``order``, and where each label's end."""
    ends = np.cumsum(counts) - counts
    rows = np.empty(len(labels), np.int64)
    for row in order:
        for i in range(starts[row], starts[row + 1]):
            rows[ends[labels[i]]] = row
            ends[labels[i]] += 1
    return rows, ends


@kernel
def roomiest(lacks: Any, room: Any) -> int:
    """The part with room that lacks most; of these the one with most room."""
    best = -1
    for j in range(len(room)):
        if room[j] > 0 and (best < 0 or lacks[j] > lacks[best] or (lacks[j] == lacks[best] and room[j] > room[best])):
            best = j
    return best

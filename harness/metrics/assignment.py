"""The best 1:1 map between the rows and the columns of a table that is mostly empty."""

from __future__ import annotations

import math
from typing import Any

DENSE_CELLS = 10_000_000
"""Assignments are solved on a dense matrix up to this many cells, on a sparse one beyond."""


def maximum_assignment(rows: Any, columns: Any, counts: Any, shape: tuple[int, int]) -> Any:  # noqa: ANN401 - arrays
    """Rows, columns and counts of a maximum assignment of the table whose filled cells are given. Kuhn 1955."""
    return (_assign_dense if math.prod(shape) <= DENSE_CELLS else _assign_sparse)(rows, columns, counts, shape)


def _assign_dense(rows: Any, columns: Any, counts: Any, shape: tuple[int, int]) -> Any:  # noqa: ANN401 - arrays
    import numpy as np
    from scipy.optimize import linear_sum_assignment

    weights = np.zeros(shape)  # floats, because the solver would make them
    weights[rows, columns] = counts
    k, r = linear_sum_assignment(weights, maximize=True)
    return k, r, weights[k, r].astype(np.int64)


def _assign_sparse(rows: Any, columns: Any, counts: Any, shape: tuple[int, int]) -> Any:  # noqa: ANN401 - as above
    """As above where K * R is large: every cluster also has an empty column of its own, so all can be matched.

    The solver reads a stored 0 as no edge, hence 1 is added to every weight; each solution holds K
    of them, which changes no order.
    """
    import numpy as np
    from scipy.sparse import csr_array, hstack
    from scipy.sparse.csgraph import min_weight_full_bipartite_matching

    edges = csr_array((counts + 1, (rows, columns)), shape=shape)
    nothing = csr_array((np.ones(shape[0], np.int64), (np.arange(shape[0]), np.arange(shape[0]))))
    graph = hstack([edges, nothing]).tocsr()
    pairs = np.array(min_weight_full_bipartite_matching(graph, maximize=True))
    k, r = pairs[:, pairs[1] < shape[1]]
    return k, r, np.asarray(graph[k, r]).ravel() - 1

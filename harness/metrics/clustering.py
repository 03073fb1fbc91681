"""Clusterings compared with a gold partition, all from one contingency table.

A column is a cell of the table, and its count is the number of rows in it; one row of a corpus adds
one to one cell. Besides cells `("cluster", label, intent)` there are two kinds of rows that have no
cluster to share, counted by reference alone:

    ("alone", reference)       answered, and a cluster of its own
    ("unanswered", reference)  no answer: a cluster of its own that counts in n and matches nothing

With n rows, clusters k of size a_k, references r of size b_r and cells n_kr:

    accuracy   max over 1:1 maps m of clusters to references of sum_k n_{k,m(k)} / n        0..1
    precision  sum_k max_r n_kr / n (purity)                                               0..1
    recall     sum_r max_k n_kr / n (inverse purity)                                       0..1
    f1         2PR / (P + R) of these two; 0 if both are 0                                 0..1
    nmi        I(K; R) / ((H(K) + H(R)) / 2)                                               0..1
    ari        (sum C(n_kr, 2) - E) / ((sum C(a_k, 2) + sum C(b_r, 2)) / 2 - E),
               E = sum C(a_k, 2) sum C(b_r, 2) / C(n, 2)                                  -0.5..1
    ami        (I - E[I]) / ((H(K) + H(R)) / 2 - E[I]), E[I] for random tables with these margins, ..1
    coverage   rows whose reference is the largest of some cluster, ties by the larger string, / n

Sources: Kuhn 1955 for the assignment; Strehl and Ghosh 2002 (NMI, arithmetic mean as in
scikit-learn); Hubert and Arabie 1985; Vinh, Epps and Bailey 2010; the scorer of DSTC11 track 2
(Gung et al. 2023) for ACC, precision, recall, F1 and example coverage.
Edge cases: no rows at all is undefined (nan); one cluster and one reference is perfect. NMI, ARI and
AMI are 1 where both partitions are equal, also if both are one cluster or all singletons.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any

from harness.api import Statistics, Totals
from harness.metrics.assignment import maximum_assignment
from harness.metrics.chance import expected_mutual_information

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from harness.api import Column

CLUSTER, ALONE, UNANSWERED = "cluster", "alone", "unanswered"


def statistics(rows: Iterable[Sequence[Column]]) -> Statistics:
    """One sparse row per segment, from the cells in which its answers stand; columns are sorted."""
    import numpy as np
    from scipy.sparse import csr_array

    codes: dict[Column, int] = {}
    positions: list[int] = []
    lengths = [0]
    for row in rows:
        positions += [codes.setdefault(column, len(codes)) for column in row]
        lengths.append(len(row))
    columns = tuple(sorted(codes))
    place = np.empty(len(codes), np.int64)
    place[[codes[column] for column in columns]] = np.arange(len(codes))
    cells = (np.ones(len(positions), np.int64), place[np.array(positions, np.int64)], np.cumsum(lengths))
    counts = csr_array(cells, shape=(len(lengths) - 1, len(columns)))
    counts.sum_duplicates()
    return Statistics(columns, counts)


@dataclass(frozen=True, eq=False)
class Table:
    """One contingency table: its non-empty cells, and what stands in no shared cluster.

    `cluster`, `reference` and `count` have one entry per cell; `alone` and `unanswered` one entry per
    reference, in the order of `references`, which is sorted.
    """

    clusters: Sequence[str]
    references: Sequence[str]
    cluster: NDArray[np.int64]
    reference: NDArray[np.int64]
    count: NDArray[np.int64]
    alone: NDArray[np.int64]
    unanswered: NDArray[np.int64]

    @property
    def n(self) -> int:
        """All rows."""
        return int(self.count.sum() + self.alone.sum() + self.unanswered.sum())

    @property
    def singletons(self) -> NDArray[np.int64]:
        """Per reference, the rows that are a cluster of their own."""
        return self.alone + self.unanswered

    @property
    def cluster_sizes(self) -> NDArray[np.int64]:
        """Rows per cluster, those of one row at the end."""
        import numpy as np

        sizes = np.bincount(self.cluster, self.count, len(self.clusters)).astype(np.int64)
        return np.concatenate([sizes, np.ones(int(self.singletons.sum()), np.int64)])

    @property
    def reference_sizes(self) -> NDArray[np.int64]:
        """Rows per reference."""
        import numpy as np

        return np.bincount(self.reference, self.count, len(self.references)).astype(np.int64) + self.singletons

    @property
    def cells(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Count, size of the cluster, size of the reference, for every cell; singletons are cells of one."""
        import numpy as np

        references = np.concatenate([self.reference, np.repeat(np.arange(len(self.references)), self.singletons)])
        ones = np.ones(int(self.singletons.sum()), np.int64)
        sizes = self.cluster_sizes[: len(self.clusters)][self.cluster]
        return (
            np.concatenate([self.count, ones]),
            np.concatenate([sizes, ones]),
            self.reference_sizes[references],
        )


@dataclass(frozen=True, eq=False)
class _Layout:
    """Where every column stands, found once for all corpora that share the columns.

    `places` holds positions, clusters (-1 for none) and references of the columns, by kind.
    """

    clusters: NDArray[np.object_]
    references: NDArray[np.object_]
    places: Mapping[str, NDArray[np.int64]]

    @classmethod
    def of(cls, columns: Sequence[Column]) -> _Layout:
        """The layout of some columns; names are sorted."""
        import numpy as np

        clusters = sorted({column[1] for column in columns if column[0] == CLUSTER})
        references = sorted({column[-1] for column in columns})
        cluster_of = {name: number for number, name in enumerate(clusters)}
        reference_of = {name: number for number, name in enumerate(references)}
        places: dict[str, list[tuple[int, int, int]]] = {CLUSTER: [], ALONE: [], UNANSWERED: []}
        for position, column in enumerate(columns):
            cluster = cluster_of[column[1]] if column[0] == CLUSTER else -1
            places[column[0]].append((position, cluster, reference_of[column[-1]]))
        arrays = {kind: np.array(found, np.int64).reshape(-1, 3).T for kind, found in places.items()}
        return cls(np.array(clusters, object), np.array(references, object), arrays)

    def table(self, counts: NDArray[Any]) -> Table:
        """The contingency table of one corpus; cells, clusters and references without rows are left out."""
        import numpy as np

        cells, cluster, reference = self.places[CLUSTER]
        count = counts[cells].astype(np.int64)
        filled = count > 0
        count, cluster, reference = count[filled], cluster[filled], reference[filled]
        apart = np.zeros((2, len(self.references)), np.int64)
        for row, kind in enumerate((ALONE, UNANSWERED)):
            positions, _, of = self.places[kind]
            apart[row, of] = counts[positions]
        clusters = np.bincount(cluster, minlength=len(self.clusters)) > 0
        references = np.bincount(reference, minlength=len(self.references)) + apart.sum(axis=0) > 0
        return Table(
            self.clusters[clusters].tolist(),
            self.references[references].tolist(),
            (np.cumsum(clusters) - 1)[cluster],
            (np.cumsum(references) - 1)[reference],
            count,
            *apart[:, references],
        )


def table(totals: Totals) -> Table:
    """The contingency table of one corpus, from its summed columns; empty cells are left out."""
    import numpy as np

    filled = np.flatnonzero(totals.values)  # first: of a slice of a large corpus most columns are empty
    return _Layout.of([totals.columns[position] for position in filled]).table(totals.values[filled])


def contingency(labels: Sequence[str], references: Sequence[str]) -> Table:
    """The contingency table of two partitions of the same rows, of which every one is answered once.

    Args: the cluster and the reference of every row. Raises ValueError where the lengths differ.
    The formulas below then cost little, so all scores of a clustering cost one pass over its labels.
    """
    import numpy as np

    if len(labels) != len(references):
        msg = f"{len(labels)} labels beside {len(references)} references"
        raise ValueError(msg)
    clusters, named = sorted(set(labels)), sorted(set(references))
    flat = _codes(labels, clusters) * len(named) + _codes(references, named)
    cells, count = np.unique(flat, return_counts=True)
    cluster, reference = np.divmod(cells, max(1, len(named)))
    nothing = np.zeros(len(named), np.int64)
    return Table(clusters, named, cluster, reference, count, nothing, nothing)


def _codes(names: Sequence[Hashable], known: Iterable[Hashable]) -> NDArray[np.int64]:
    """The place of every name among the known ones; one dictionary beats sorting strings."""
    import numpy as np

    place = {name: number for number, name in enumerate(known)}
    return np.fromiter(map(place.__getitem__, names), np.int64, len(names))


def of_tables(formula: Callable[[Table], float]) -> Callable[[Totals], Any]:
    """A value function from a formula of one table: nan without rows; several corpora one by one."""

    @wraps(formula)
    def value(totals: Totals) -> Any:  # noqa: ANN401 - float or array
        import numpy as np

        one = totals.values.ndim == 1
        found = [table(totals)] if one else map(_Layout.of(totals.columns).table, totals.values)
        values = [float(formula(counted)) if counted.n else math.nan for counted in found]
        return values[0] if one else np.array(values)

    return value


def accuracy(found: Table) -> float:
    """Share of rows under the best 1:1 map of clusters to references."""
    return matched(found) / found.n


def matched(found: Table) -> int:
    """Rows under the best 1:1 map. It is unique, though the map may not be."""
    return int(_assignment(found)[2].sum())


def assignment(found: Table) -> dict[str, str]:
    """One best map of clusters to references; clusters that match nothing are absent."""
    named = len(found.clusters)
    pairs = zip(*_assignment(found), strict=True)
    return {found.clusters[int(k)]: found.references[int(r)] for k, r, count in pairs if k < named and count}


def _assignment(found: Table) -> Any:  # noqa: ANN401 - three arrays
    """Clusters, references and counts of a maximum assignment; row K + i stands for a singleton.

    At most one singleton can be of use to a reference, so each reference gets at most one row.
    """
    import numpy as np

    own = np.flatnonzero(found.alone)
    rows = np.concatenate([found.cluster, len(found.clusters) + np.arange(len(own))])
    columns = np.concatenate([found.reference, own])
    counts = np.concatenate([found.count, np.ones(len(own), np.int64)])
    shape = (len(found.clusters) + len(own), len(found.references))
    return maximum_assignment(rows, columns, counts, shape)


def precision(found: Table) -> float:
    """Purity: each cluster counts its largest reference."""
    return pure(found) / found.n


def pure(found: Table) -> int:
    """Rows of the largest reference of their cluster; an unanswered row has no cluster."""
    return _sum_of_largest(found.cluster, found.count, len(found.clusters)) + int(found.alone.sum())


def recall(found: Table) -> float:
    """Inverse purity: each reference counts its largest cluster."""
    return gathered(found) / found.n


def gathered(found: Table) -> int:
    """Rows of the largest cluster of their reference, which may be a cluster of one."""
    import numpy as np

    largest = np.minimum(found.alone, 1)
    np.maximum.at(largest, found.reference, found.count)
    return int(largest.sum())


def _sum_of_largest(groups: NDArray[np.int64], counts: NDArray[np.int64], size: int) -> int:
    import numpy as np

    largest = np.zeros(size, np.int64)
    np.maximum.at(largest, groups, counts)
    return int(largest.sum())


def f1(found: Table) -> float:
    """The harmonic mean of the corpus's precision and recall."""
    return harmonic_mean(precision(found), recall(found))


def harmonic_mean(one: float, other: float) -> float:
    """2ab / (a + b), or 0 if both are 0."""
    return 2 * one * other / (one + other) if one + other else 0.0


def covered(found: Table) -> int:
    """Rows whose reference is the largest of some cluster; of equally large ones the larger string counts."""
    import numpy as np

    # One number orders cells by count and then by reference, whose codes stand in the order of their names.
    rank = found.count * len(found.references) + found.reference
    best = np.zeros(len(found.clusters), np.int64)
    np.maximum.at(best, found.cluster, rank)
    hit = np.union1d(best % max(1, len(found.references)), np.flatnonzero(found.alone))
    return int(found.reference_sizes[hit].sum())


def example_coverage(found: Table) -> float:
    """Share of rows whose reference is the largest of some cluster."""
    return covered(found) / found.n


def cluster_count(found: Table) -> float:
    """Clusters that were answered, those of one row included."""
    return float(len(found.clusters) + found.alone.sum())


def nmi(found: Table) -> float:
    """Normalised mutual information, by the arithmetic mean of the entropies."""
    mean = _mean_entropy(found)
    return _mutual_information(found) / mean if mean else 1.0


def ami(found: Table) -> float:
    """Mutual information adjusted for chance, by the arithmetic mean of the entropies."""
    if _is_equal(found):
        return 1.0
    expected = expected_mutual_information(found.cluster_sizes, found.reference_sizes)
    below = _mean_entropy(found) - expected
    floor = math.copysign(2.0**-52, below)  # scikit-learn's guard, which keeps the sign
    return (_mutual_information(found) - expected) / (below if abs(below) > abs(floor) else floor)


def ari(found: Table) -> float:
    """Rand index adjusted for chance, from exact pair counts."""
    together = _pairs(found.count)
    in_clusters, in_references = _pairs(found.cluster_sizes), _pairs(found.reference_sizes)
    every = found.n * (found.n - 1) // 2
    above = 2 * (every * together - in_clusters * in_references)
    below = every * (in_clusters + in_references) - 2 * in_clusters * in_references
    return above / below if below else 1.0


def _pairs(sizes: NDArray[np.int64]) -> int:
    """Pairs of rows in the same group: exact, for fewer than 2^32 rows; the caller multiplies as Python's integers."""
    return int((sizes * (sizes - 1) // 2).sum())


def _is_equal(found: Table) -> bool:
    """Whether the two partitions are the same one."""
    counts, clusters, references = found.cells
    return bool((counts == clusters).all() and (counts == references).all())


def _mean_entropy(found: Table) -> float:
    return (_entropy(found.cluster_sizes, found.n) + _entropy(found.reference_sizes, found.n)) / 2


def _entropy(sizes: NDArray[np.int64], n: int) -> float:
    import numpy as np

    shares = sizes[sizes > 0] / n
    return abs(float((shares * np.log(shares)).sum()))


def _mutual_information(found: Table) -> float:
    import numpy as np

    counts, clusters, references = found.cells
    logarithms = np.log(counts) - np.log(clusters) - np.log(references) + math.log(found.n)
    return max(0.0, float((counts / found.n * logarithms).sum()))

"""Components: the watched series that belong together, judged as a whole."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping

from collector_plugins.anomaly.detector.component_detector import ComponentDetector
from collector_plugins.anomaly.series.watched_series import WatchedSeries


class Components(Mapping[str, ComponentDetector]):
    """The detectors of all components by name; `start_watching` makes the one of a component that shows up."""

    def __init__(self, start_watching: Callable[[str], ComponentDetector]) -> None:
        self._detectors: dict[str, ComponentDetector] = {}
        self._start_watching = start_watching

    def __getitem__(self, component: str) -> ComponentDetector:
        return self._detectors[component]

    def __iter__(self) -> Iterator[str]:
        return iter(self._detectors)

    def __len__(self) -> int:
        return len(self._detectors)

    def judge_row(self, watched: Iterable[WatchedSeries], when: float, *, forget_gone: bool) -> Iterator[str]:
        """Judge the row that ends at `when` (seconds since 1970); returns the components that become unusual.

        `forget_gone` makes them forget metrics that this row does not have.
        """
        for component, sizes in _sizes_by_metric(watched).items():
            if component not in self._detectors:
                self._detectors[component] = self._start_watching(component)
            detector = self._detectors[component]
            if forget_gone:
                detector.keep_only(set(sizes))
            if detector.update({metric: sum(each) / len(each) for metric, each in sizes.items()}, when):
                yield component


def _sizes_by_metric(watched: Iterable[WatchedSeries]) -> Mapping[str, Mapping[str, list[float]]]:
    """The sizes of the row by component and metric, of all series that can be judged."""
    sizes: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for each in watched:
        verdict = each.verdict
        if verdict and not verdict.warming_up and verdict.size is not None and not each.rules.is_sparse:
            sizes[each.component][each.series.name].append(verdict.size)
    return sizes

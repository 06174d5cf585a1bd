"""All servers together: what is known of each model, whoever said it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from collector_plugins.inference.config import Server
from collector_plugins.inference.gpus import Gpu
from collector_plugins.inference.hardware import Place, complete
from collector_plugins.inference.mapping import Reading
from collector_plugins.inference.model_server import ModelServer, ServerAnswer
from collector_plugins.inference.published_model import PublishedModel, from_windows
from collector_plugins.inference.window import join


def models(
    servers: Sequence[ModelServer],
    answers: Mapping[str, ServerAnswer],
    pushed: Iterable[tuple[Server, PublishedModel]],
    gpus: Sequence[Gpu],
) -> dict[str, PublishedModel]:
    """Every model that a server has, or that was pushed. What was pushed completes what servers say.

    `answers` are those of the servers that have answered, by name.
    """
    shown, places = dict[str, PublishedModel](), dict[str, Place]()
    windows = [(each, answers[each.options.name].windows) for each in servers if each.options.name in answers]
    for model in dict.fromkeys(model for _, found in windows for model in found):
        having = [each for each, found in windows if model in found]
        joined = join([found[model] for _, found in windows if model in found])
        shown[model] = from_windows(joined, _totals(servers, model))
        for each in having:
            _add(shown, places, model, each.options, gpus)
    for server, said in pushed:
        model = server.model or server.name
        shown.setdefault(model, PublishedModel()).complete(said)
        _add(shown, places, model, server, gpus)
    complete(shown, places)
    return shown


def _add(
    shown: dict[str, PublishedModel], places: dict[str, Place], model: str, server: Server, gpus: Sequence[Gpu]
) -> None:
    shown[model].tell((server.type, server.quantization, server.acceleration))
    places.setdefault(model, Place()).add(server, gpus)


def _totals(servers: Iterable[ModelServer], model: str) -> Mapping[Reading, float]:
    """The counters of a model on all its servers, those that do not answer at the moment too: sums never fall."""
    sums: dict[Reading, float] = {}
    for reading, value in _all_totals(servers, model):
        sums[reading] = sums.get(reading, 0.0) + value
    return sums


def _all_totals(servers: Iterable[ModelServer], model: str) -> Iterator[tuple[Reading, float]]:
    for each in servers:
        yield from each.totals(model).items()

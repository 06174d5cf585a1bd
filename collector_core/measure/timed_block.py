"""The forms in which a piece of work is measured: a `with` block, an `async with` block, a decorated function."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from types import TracebackType
from typing import Any, TypeVar

from collector_core.measure.measurement import Measurement

Function = TypeVar("Function", bound=Callable[..., Any])


class TimedBlock:
    """Measures what it encloses, also where that raises. A decorated function is measured at each call."""

    def __init__(self, label: str, start: Callable[[str], Measurement], stop: Callable[[Measurement], None]) -> None:
        self._label = label
        self._start = start
        self._stop = stop
        self._measurement: Measurement | None = None

    def __enter__(self) -> Measurement:
        if self._measurement is not None:
            raise RuntimeError("this block is being measured; call measure() for each")
        self._measurement = self._start(self._label)
        return self._measurement

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        measurement, self._measurement = self._measurement, None
        if measurement is not None:
            self._stop(measurement)

    async def __aenter__(self) -> Measurement:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, traceback)

    def __call__(self, function: Function) -> Function:
        """Measure every call of a function or coroutine function; raises `TypeError` for a generator function."""
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise TypeError(f"{function.__qualname__} is a generator: measure what uses it, with `with`")
        wrapper = self._coroutine(function) if inspect.iscoroutinefunction(function) else self._function(function)
        return wraps(function)(wrapper)  # type: ignore[return-value]

    def _again(self) -> TimedBlock:
        return TimedBlock(self._label, self._start, self._stop)

    def _function(self, function: Function) -> Callable[..., Any]:
        def measured(*arguments: Any, **options: Any) -> Any:
            with self._again():
                return function(*arguments, **options)

        return measured

    def _coroutine(self, function: Function) -> Callable[..., Any]:
        async def measured(*arguments: Any, **options: Any) -> Any:
            with self._again():
                return await function(*arguments, **options)

        return measured

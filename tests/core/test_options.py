"""When the validators of options are built."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from pydantic import ValidationError
from pydantic.errors import PydanticSchemaGenerationError

from collector_core.options import Options

MANY = 8


def options_in(module):
    return type(Options)("Made", (Options,), {"__module__": module, "__annotations__": {"places": int}})


@pytest.mark.parametrize("module", ["collector_core.anything", "collector_plugins.anything.config"])
def test_our_own_are_built_when_they_are_first_used(module):
    made = options_in(module)
    assert not made.__pydantic_complete__
    assert made(places=3).places == 3
    assert made.__pydantic_complete__


def test_those_of_others_are_built_when_they_are_imported():
    assert options_in("somebody.plugin").__pydantic_complete__
    ours = options_in("collector_core.anything")
    assert type(Options)("Theirs", (ours,), {"__module__": "somebody.plugin"}).__pydantic_complete__
    with pytest.raises(PydanticSchemaGenerationError):
        type(Options)("Made", (Options,), {"__module__": "somebody.plugin", "__annotations__": {"at": object.__new__}})


def test_many_may_use_them_first():
    made, barrier = options_in("collector_core.anything"), Barrier(MANY)

    def use(number):
        barrier.wait(10)
        with pytest.raises(ValidationError, match="places"):
            made(places="three")
        return made(places=number).places

    with ThreadPoolExecutor(MANY) as threads:
        assert list(threads.map(use, range(MANY))) == [*range(MANY)]

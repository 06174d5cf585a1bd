"""What the compiled module offers; each raises `ValueError` for what does not fit together."""

from array import array
from collections.abc import Sequence

VERSION: int

def put_rows(
    rows: dict[tuple[str, ...], Sequence[float | None]],
    keys: list[tuple[str, ...]],
    values: array[float],
    start: int,
    columns: int,
    /,
) -> bool:
    """Puts rows, which are tuples of so many numbers, column by column into `values` (type `d`) from `start` on.

    False, and nothing is put, where `rows` has not exactly these keys in this order, where a number is missing,
    negative or not finite, and where one of the places is not NaN.
    """

def read_process_stats(descriptors: array[int], is_kernels: bool, stats: array[int], /) -> None:
    """Reads /proc/PID/stat of each descriptor (type `i`) into four places of `stats` (type `q`) without the GIL.

    They are the state, ticks of CPU time, the number of threads, and the start; all 0 where there is no descriptor,
    where it cannot be read or was removed from a copy of /proc, and where it is not written as the kernel does.
    """

def read_words(text: bytes, uses: array[int], names: bytes, numbers: array[float], /) -> bool:
    """Takes numbers out of a text; False where it is not as expected, and then `numbers` mean nothing.

    `uses` (type `q`) has for each word of the text -1, where it must be the next of `names`, which have a blank between
    them, -2, where it may be any number, or the place of a number in `numbers` (type `d`), which is divided by what
    stands there. A number is digits, perhaps with a point.
    """

def write_blocks(
    texts: list[bytes], ends: array[int], values: array[float], before: array[float], group_ends: array[int], /
) -> list[bytes]:
    """The lines of blocks with `values`, where `texts` has them with the values `before`.

    Block by block `ends` (type `q`) says where its values end. Each line ends with a blank and a value; those whose
    value is the same stay, and where all are, `texts` itself is returned. The first time `before` is empty, and all
    lines are written. `group_ends` (type `q`) has a place for each 16 series of a block; what is written there is
    needed the next time.
    """

"""What the compiled module offers; each raises `ValueError` for what does not fit together."""

from array import array

VERSION: int

def read_process_stats(descriptors: array[int], is_kernels: bool, stats: array[int], /) -> None:
    """Reads /proc/PID/stat of each descriptor (type `i`) into four places of `stats` (type `q`) without the GIL.

    They are the state, ticks of CPU time, the number of threads, and the start; all 0 where there is no descriptor,
    where it cannot be read or was removed from a copy of /proc, and where it is not written as the kernel does.
    """

def write_blocks(
    heads: list[bytes],
    ends: array[int],
    values: array[float],
    before: array[float],
    texts: list[bytes],
    groups: array[int],
    /,
) -> list[bytes]:
    """The lines of blocks: each of `heads` has what stands before the values of a block, a line for each.

    Block by block `ends` (type `q`) says where its values end. `texts` are the lines of the values `before`, both empty
    the first time; lines of values that are the same stay, and where all are, `texts` itself is returned. `groups`
    (type `q`) has two places for each 16 series of a block; what is written there is needed the next time.
    """

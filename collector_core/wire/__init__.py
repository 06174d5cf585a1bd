"""What goes over the wire in binary: fields of protobuf messages, blocks of snappy."""

from collector_core.wire.protobuf import (
    as_bytes,
    bytes_field,
    double_field,
    fill_doubles,
    fixed64_field,
    number_field,
    read_fields,
    read_varint,
    text_field,
    varint,
)
from collector_core.wire.snappy import compress, decompress, join

__all__ = [
    "as_bytes",
    "bytes_field",
    "compress",
    "decompress",
    "double_field",
    "fill_doubles",
    "fixed64_field",
    "join",
    "number_field",
    "read_fields",
    "read_varint",
    "text_field",
    "varint",
]

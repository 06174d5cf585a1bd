"""What goes over the wire in binary: fields of protobuf messages, calls over gRPC, blocks of snappy."""

from collector_core.wire.cri import CriContainer, contents, cri_containers, listed_messages
from collector_core.wire.grpc import UnaryCall
from collector_core.wire.gzipped import gzip_bytes, join_gzip
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
    "CriContainer",
    "UnaryCall",
    "as_bytes",
    "bytes_field",
    "compress",
    "contents",
    "cri_containers",
    "decompress",
    "double_field",
    "fill_doubles",
    "fixed64_field",
    "gzip_bytes",
    "join",
    "join_gzip",
    "listed_messages",
    "number_field",
    "read_fields",
    "read_varint",
    "text_field",
    "varint",
]

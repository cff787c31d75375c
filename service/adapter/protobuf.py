"""Protobuf without much memory: a parsed message takes up to 70 times the bytes of one that was
made to be costly, so large ones are cut into their parts first, which are counted and then parsed
one by one.
"""

from collections.abc import Sequence
from typing import Any

from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass

from exceptions import TooLarge, UnreadableBody

MAX_PART_BYTES = 2**20  # of what is parsed as a whole


def _make_message() -> Any:
    """A message of any kind, of which only the first two fields count, as bytes."""
    file = FileDescriptorProto(name="redlog.proto", package="redlog", syntax="proto3")
    message = file.message_type.add(name="Parts")
    kind, label = FieldDescriptorProto.TYPE_BYTES, FieldDescriptorProto.LABEL_REPEATED
    for number in (1, 2):
        message.field.add(name=f"field_{number}", number=number, type=kind, label=label)
    pool = DescriptorPool()
    pool.Add(file)
    return GetMessageClass(pool.FindMessageTypeByName("redlog.Parts"))


_Parts = _make_message()


def parts_of(message: bytes, most: int) -> tuple[Sequence[bytes], Sequence[bytes]]:
    """What the fields 1 and 2 of a message hold, each as often as it stands there.

    Raises UnreadableBody, and TooLarge when one of them stands there more often than `most`.
    """
    try:
        parts = _Parts.FromString(message)
    except DecodeError:
        raise UnreadableBody("the body is no protobuf of this kind") from None
    if max(len(parts.field_1), len(parts.field_2)) > most:
        raise TooLarge(f"more than {most} records in one report")
    return parts.field_1, parts.field_2

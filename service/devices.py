"""The devices that a report's records name; decoded only where devices have a limit."""

from collections import Counter

import msgspec
from msgspec import Struct

from service.batch import Batch
from utils.record import Form


class _Named(Struct, gc=False):
    device_id: str | None = None


class _Envelope(Struct, gc=False):
    logs: list[_Named]
    context: _Named | None = None


_array = msgspec.json.Decoder(list[_Named]).decode
_record = msgspec.json.Decoder(_Named)
_envelope = msgspec.json.Decoder(_Envelope).decode


def devices_of(batch: Batch) -> Counter[str]:
    """How many records are of each device; those that name none are not counted."""
    default = None
    if batch.form is Form.ARRAY:
        records = _array(batch.payload)
    elif batch.form is Form.RECORD:
        records = [_record.decode(batch.payload)]
    elif batch.form is Form.LINES:
        records = _record.decode_lines(batch.payload)
    else:
        envelope = _envelope(batch.payload)
        records, default = envelope.logs, envelope.context and envelope.context.device_id
    return Counter(device for record in records if (device := record.device_id or default))

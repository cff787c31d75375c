"""Frames: what is packed comes back, and what was damaged is never taken for a frame."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from database.frame import (
    HEADER_BYTES,
    MAGIC,
    SEGMENT_HEADER,
    VERSION,
    Damage,
    Frame,
    claimed_end,
    pack,
    scan,
    unpack,
)
from utils.record import Form

payloads = st.binary(max_size=60) | st.sampled_from((MAGIC, MAGIC * 3, b"", bytes(40)))
contents = st.tuples(
    st.integers(0, 2**32 - 1),
    st.integers(-(2**63), 2**63 - 1),
    st.integers(0, 2**32 - 1),
    st.sampled_from(list(Form)),
    st.text(max_size=20),
    payloads,
    st.integers(0, 255),
)
Content = tuple[int, int, int, Form, str, bytes, int]


def packed(content: Content) -> bytes:
    app_id, received_at, records, form, key, payload, flags = content
    return b"".join(pack(app_id, received_at, records, form, key.encode(), payload, flags))


def contents_of(pieces: list[Frame | Damage]) -> list[Content]:
    return [(*piece[:6], piece.flags) for piece in pieces if isinstance(piece, Frame)]


def a_frame(payload: bytes, key: str = "") -> bytes:
    return packed((1, 1_795_168_800_000_000, 1, Form.RECORD, key, payload, 0))


FIRST, MIDDLE, LAST = (a_frame(b'{"message": "%s"}' % name, "k") for name in (b"a", b"bbb", b"c"))
ALL = FIRST + MIDDLE + LAST


def frames_of(data: bytes, final: bool = True) -> list[Frame]:
    return [piece for piece in scan(data, final) if isinstance(piece, Frame)]


@given(contents, st.binary(max_size=20), st.binary(max_size=20))
def test_what_is_packed_is_unpacked(content: Content, before: bytes, after: bytes) -> None:
    frame = packed(content)
    found = unpack(before + frame + after, len(before))
    *rest, flags = content
    assert found == (*rest, len(before), len(before) + len(frame), flags)
    assert claimed_end(before + frame + after, len(before)) == len(before) + len(frame)


def test_the_layout_is_the_one_that_is_written_down() -> None:
    frame = packed((2, 3, 4, Form.LINES, "ké", b"payload", 1))
    assert HEADER_BYTES == 32
    assert frame[:4] == b"\xffRLF"
    assert frame[4:8] == zlib.crc32(frame[8:]).to_bytes(4, "little")
    numbers = [(8, 4), (12, 4), (16, 8), (24, 4), (28, 1), (29, 1), (30, 2)]
    values = [int.from_bytes(frame[at : at + size], "little") for at, size in numbers]
    assert values == [7, 2, 3, 4, 4, 1, 3]
    assert frame[32:] == "képayload".encode()
    assert b"REDLOG" + VERSION.to_bytes(2, "little") == SEGMENT_HEADER


def test_no_text_holds_the_magic() -> None:
    with pytest.raises(UnicodeDecodeError):
        MAGIC[:1].decode()


@given(st.lists(contents, max_size=5), st.booleans())
def test_all_frames_are_found_in_order(many: list[Content], final: bool) -> None:
    found = list(scan(b"".join(map(packed, many)), final))
    assert contents_of(found) == many
    assert [piece.start for piece in found] == [0, *(piece.end for piece in found)][: len(found)]


def test_nothing_holds_nothing() -> None:
    assert list(scan(b"", True)) == list(scan(b"", False)) == []


@pytest.mark.parametrize("cut", range(len(LAST)))
def test_a_torn_tail_is_passed_over(cut: int) -> None:
    whole = frames_of(FIRST + MIDDLE)
    for final in (True, False):
        assert list(scan(FIRST + MIDDLE + LAST[:cut], final)) == whole


@pytest.mark.parametrize("at", range(len(MIDDLE)))
def test_a_flipped_byte_costs_its_frame_and_no_other(at: int) -> None:
    first, _, last = frames_of(ALL)
    for flip in (0xFF, 0x01, 0x80):
        damaged = bytearray(ALL)
        damaged[len(FIRST) + at] ^= flip
        for final in (True, False):
            found = list(scan(bytes(damaged), final))
            assert found == [first, Damage(first.end, last.start), last]


@pytest.mark.parametrize("at", range(len(LAST)))
def test_a_flipped_byte_of_the_last_frame_is_damage_or_looks_torn(at: int) -> None:
    damaged = bytearray(ALL)
    damaged[len(FIRST + MIDDLE) + at] ^= 0xFF
    found = list(scan(bytes(damaged), True))
    assert found[:2] == frames_of(FIRST + MIDDLE)
    in_the_sizes = at in range(8, 12) or at in (30, 31)
    assert found[2:] == ([] if in_the_sizes else [Damage(len(FIRST + MIDDLE), len(ALL))])
    assert len(list(scan(bytes(damaged), False))) == 2


@pytest.mark.parametrize("zeros", [1, 3, HEADER_BYTES, 4096])
def test_a_tail_of_zeros_is_what_a_power_loss_leaves(zeros: int) -> None:
    assert list(scan(ALL + bytes(zeros), True)) == frames_of(ALL)
    found = list(scan(FIRST + bytes(zeros) + LAST, True))
    assert found[1] == Damage(len(FIRST), len(FIRST) + zeros) and len(found) == 3


def test_garbage_at_the_end_is_damage_only_when_nobody_writes_any_more() -> None:
    garbage = b"what is this" * 5
    assert list(scan(FIRST + garbage, True))[1:] == [Damage(len(FIRST), len(FIRST + garbage))]
    assert len(list(scan(FIRST + garbage, False))) == 1


def test_a_magic_inside_a_payload_is_no_frame() -> None:
    inner = a_frame(b"inner")
    found = list(scan(a_frame(b"x" + inner) + LAST, True))
    assert len(found) == len(frames_of(a_frame(b"x" + inner) + LAST)) == 2
    assert isinstance(found[0], Frame) and found[0].payload == b"x" + inner


def test_every_magic_of_a_damaged_stretch_is_tried() -> None:
    damaged = bytearray(a_frame(b"x" * 20))
    damaged[-1] ^= 1
    stretch = MAGIC * 3 + bytes(damaged) + MAGIC + b"short"
    found = list(scan(FIRST + stretch + LAST, True))
    assert found[1:2] == [Damage(len(FIRST), len(FIRST + stretch))]
    assert [piece.payload for piece in frames_of(FIRST + stretch + LAST)] == [
        piece.payload for piece in frames_of(FIRST + LAST)
    ]


@given(st.lists(contents, min_size=1, max_size=4), st.data(), st.booleans())
def test_damage_never_makes_another_frame(
    many: list[Content], data: st.DataObject, final: bool
) -> None:
    """Bytes changed, cut out or put in: what is found was packed, in order, and all is covered."""
    whole = b"".join(map(packed, many))
    at = data.draw(st.integers(0, len(whole)))
    until = data.draw(st.integers(at, min(len(whole), at + 40)))
    damaged = whole[:at] + data.draw(st.binary(max_size=20)) + whole[until:]
    found = list(scan(damaged, final))
    rest = iter(many)
    assert all(content in rest for content in contents_of(found))
    position = 0
    for piece in found:
        assert piece.start == position < piece.end <= len(damaged)
        position = piece.end
    untouched = [content for content in many if packed(content) in (whole[:at], whole[until:])]
    assert all(content in contents_of(found) for content in untouched)


@given(
    st.binary(max_size=200) | st.lists(st.sampled_from((MAGIC, b"\0\0\0\0", b"abc"))).map(b"".join)
)
def test_noise_holds_no_frame(noise: bytes) -> None:
    for final in (True, False):
        assert frames_of(noise, final) == []

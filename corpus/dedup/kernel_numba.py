"""The compiled kernel: bytes of Arrow buffers to signatures, and pairs of texts to their exact Jaccard.

One file, since numba's store on disk does not see changes in another one. Numbers are cast at every step: numba makes
uint64 of uint32 * uint32, which gives other bits and half the speed, and float64 of uint64 + int64; unsigned indices
save the test for negative ones. `corpus.dedup.kernel_numpy` does the same without a compiler.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from corpus.dedup.folding import BLANK, MARK, OTHER
from corpus.dedup.jit import compiled, i64, inlined

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from corpus.dedup.folding import FoldTables
    from corpus.dedup.jit import I64, U8, U32, U64, Mask
    from corpus.dedup.minhash import Signed

u32, u64 = np.uint32, np.uint64

CHUNK: Final = 2048  # code points folded at a time: they and their hashes stay in the first-level cache
PART: Final = 1 << 20  # bytes of text whose shingles are compared at once
_ROOM: Final = 32  # the longest expansion, and what is carried from chunk to chunk
_BLANK, _MARK, _OTHER, _SPACE, _POINT = u32(BLANK), u32(MARK), u32(OTHER), u32(BLANK | 0x20), u32(0x1FFFFF)
_1, _2, _3, _FLAT = u64(1), u64(2), u64(3), u32(0x30000)
# MurmurHash3_x86_32, and the finaliser of MurmurHash3_x64_128
_C1, _C2, _ADD, _FIVE = u32(0xCC9E2D51), u32(0x1B873593), u32(0xE6546B64), u32(5)
_MIX1, _MIX2, _WEIGHT = u32(0x85EBCA6B), u32(0xC2B2AE35), u32(0x9E3779B1)
_MIX3, _MIX4, _GOLDEN = u64(0xFF51AFD7ED558CCD), u64(0xC4CEB9FE1A85EC53), u64(0x9E3779B97F4A7C15)


# ---- bytes to folded code points


@inlined
def _three(data: U8, lead: np.uint32, at: np.uint64, stop: np.uint64) -> np.uint32:
    """The code point of a sound sequence of three bytes; 0 for anything else and for leads E0 and ED, odd cases."""
    if (lead >> u32(4)) != u32(14) or lead == u32(0xE0) or lead == u32(0xED) or stop - at < _3:
        return u32(0)
    second, third = u32(data[at + _1] ^ 0x80), u32(data[at + _2] ^ 0x80)
    if u32(second | third) & u32(0xC0):
        return u32(0)
    return u32(u32(lead & u32(0xF)) << u32(12) | u32(second << u32(6)) | third)


@inlined
def _decode(data: U8, at: int, end: int) -> tuple[int, np.uint32]:
    """Where the next code point begins, -1 where data[at] (>= 0x80) begins none of UTF-8; and the code point."""
    lead = data[at]
    more = 1 if 0xC2 <= lead < 0xE0 else 2 if 0xE0 <= lead < 0xF0 else 3 if 0xF0 <= lead < 0xF5 else 0
    if more == 0 or end - at <= more:
        return -1, u32(0)
    point = i64(lead) & (0x3F >> more)
    for i in range(1, more + 1):
        if data[at + i] & 0xC0 != 0x80:
            return -1, u32(0)
        point = point << 6 | i64(data[at + i] & 0x3F)
    if more == 2 and (point < 0x800 or 0xD800 <= point < 0xE000):
        return -1, u32(0)
    if more == 3 and not 0x10000 <= point < 0x110000:
        return -1, u32(0)
    return at + more + 1, u32(point)


@inlined
def _emit(entry: np.uint32, out: U32, count: int, fold: FoldTables) -> int:
    """Append one folded code point, or join it with the one before; return the new count."""
    point = u32(entry & _POINT)
    if entry & _BLANK:
        if count > 0 and out[count - 1] == point:
            return count
    elif entry & _MARK and count > 0:
        pair = u64(out[count - 1]) << u64(21) | u64(point)
        last = u64(fold.pairs.size - 1)
        slot = u64(u64(pair * _GOLDEN) >> u64(40)) & last
        while fold.pairs[slot] != u64(0):
            if fold.pairs[slot] == pair:
                out[count - 1] = fold.composites[slot]
                return count
            slot = u64(slot + _1) & last
    out[count] = point
    return count + 1


@inlined
def _special(point: np.uint32, out: U32, count: int, fold: FoldTables) -> int:
    """Append what a code point that is not simply replaced folds to; return the new count."""
    if point >= _FLAT:
        out[count] = point
        return count if (point >> u32(12)) == u32(0xE0) else count + 1
    entry = fold.points[point]
    if not entry & _OTHER:
        return _emit(entry, out, count, fold)
    place = i64(entry & _POINT)
    for one in range(place + 1, place + 1 + i64(fold.expansions[place])):
        count = _emit(fold.expansions[one], out, count, fold)
    return count


@inlined
def _fold_some(
    data: U8, start: int, end: int, out: U32, held: int, text: np.uint64, fold: FoldTables
) -> tuple[int, int, int, np.uint64]:
    """Fold UTF-8 from data[start] behind out[held - 1], until `out` is nearly full.

    Returns where it stopped (-1 at a byte that is no UTF-8), the new count in `out`, code points read, and the hash of
    the text so far: the polynomial of its code points in _GOLDEN.
    """
    at, stop, count, full, read = u64(start), u64(end), u64(held), u64(out.size - _ROOM), u64(0)
    while at < stop and count < full:
        lead = u32(data[at])
        if lead < u32(0x80):
            point = lead
            at += _1
        else:
            point = _three(data, lead, at, stop)
            if point:
                at += _3
            else:
                after, point = _decode(data, i64(at), end)
                if after < 0:
                    return -1, i64(count), i64(read), text
                at = u64(after)
        read += _1
        text = u64(u64(text * _GOLDEN) + u64(point))
        entry = fold.points[u64(point)] if point < _FLAT else _OTHER
        if entry < _OTHER:
            out[count] = entry
            count += _1
        elif entry == _SPACE and count > u64(0):
            out[count] = u32(0x20)
            count += u64(out[count - _1] != u32(0x20))
        else:
            count = u64(_special(point, out, i64(count), fold))
    return i64(at), i64(count), i64(read), text


# ---- folded code points to signatures


@inlined
def _scramble(point: np.uint32) -> np.uint32:
    block = u32(point * _C1)
    block = u32((block << u32(15)) | (block >> u32(17)))
    return u32(block * _C2)


@inlined
def _absorb(state: np.uint32, block: np.uint32) -> np.uint32:
    state = u32(state ^ block)
    state = u32((state << u32(13)) | (state >> u32(19)))
    return u32(u32(state * _FIVE) + _ADD)


@inlined
def _avalanche(value: np.uint32) -> np.uint32:
    value = u32(value ^ (value >> u32(16)))
    value = u32(value * _MIX1)
    value = u32(value ^ (value >> u32(13)))
    value = u32(value * _MIX2)
    return u32(value ^ (value >> u32(16)))


@inlined
def _hash_windows(points: U32, count: int, width: int, blocks: U32, hashes: U32) -> int:
    """Fill `hashes` with what datasketch permutes for each window of `width` code points; return how many."""
    for i in range(count):
        blocks[i] = _scramble(points[i])
    number = count - width + 1
    if width == 5:
        for i in range(number):
            state = _absorb(_absorb(u32(0), blocks[i]), blocks[i + 1])
            state = _absorb(_absorb(_absorb(state, blocks[i + 2]), blocks[i + 3]), blocks[i + 4])
            hashes[i] = _avalanche(_avalanche(u32(state ^ u32(20))))
        return number
    state = u32(0)
    for i in range(width):
        state = _absorb(state, blocks[i])
    hashes[0] = _avalanche(_avalanche(u32(state ^ u32(4 * width))))
    return 1


@inlined
def _weigh(hashes: U32, number: int, place: int) -> np.uint64:
    """The sum of hashes[i] times a weight of its place in the text."""
    total, weight = u64(0), u32(u32(place + 1) * _WEIGHT)
    for i in range(number):
        total += u64(hashes[i]) * u64(u32(weight + u32(u32(i) * _WEIGHT)))
    return total


@inlined
def _lower(row: U32, hashes: U32, number: int, a: U32, b: U32) -> None:
    """Lower each slot k of a signature to the least of a[k] * hash + b[k] mod 2**32."""
    for k in range(row.size):
        ak, bk, least = a[k], b[k], row[k]
        for i in range(number):
            least = min(least, u32(u32(ak * hashes[i]) + bk))
        row[k] = least


@inlined
def _finish(total: np.uint64, length: int) -> np.uint64:
    state = u64(total ^ u64(u64(length) * _GOLDEN))
    state = u64((state ^ (state >> u64(33))) * _MIX3)
    state = u64((state ^ (state >> u64(33))) * _MIX4)
    return u64(state ^ (state >> u64(33)))


@compiled
def sign_rows(data: U8, offsets: I64, missing: Mask, fold: FoldTables, a: U32, b: U32, to: Signed) -> None:
    """Fill the row of `to` for every text data[offsets[i]:offsets[i + 1]]."""
    buffer, blocks = np.empty(CHUNK + _ROOM, np.uint32), np.empty(CHUNK + _ROOM, np.uint32)
    hashes = np.empty(CHUNK + _ROOM, np.uint32)
    for row in range(offsets.size - 1):
        to.slots[row] = u32(0xFFFFFFFF)
        to.lengths[row], to.texts[row], to.folds[row], to.outcomes[row] = 0, u64(0), u64(0), 2
        if missing[row]:
            continue
        at, end = offsets[row], offsets[row + 1]
        count, place, text, fresh = 0, 0, u64(0), u64(0)
        while True:
            at, count, read, text = _fold_some(data, at, end, buffer, count, text, fold)
            if at < 0:
                break
            to.lengths[row] += read
            final = at == end
            ready = count if final else count - 1  # the last code point may yet be joined with a mark
            width = min(5, ready)  # only a whole text can be shorter than a window
            number = 0
            if width:
                number = _hash_windows(buffer, ready, width, blocks, hashes)
                fresh += _weigh(hashes, number, place)
                _lower(to.slots[row], hashes, number, a, b)
            place += number
            if final:
                break
            for i in range(number, count):
                buffer[i - number] = buffer[i]
            count -= number
        if at < 0:
            to.slots[row] = u32(0xFFFFFFFF)
            to.lengths[row], to.outcomes[row] = 0, 3
            continue
        to.texts[row], to.folds[row] = _finish(text, to.lengths[row]), _finish(fresh, place)
        to.outcomes[row] = 0 if place else 1


# ---- exact Jaccard


@inlined
def _root(parents: I64, item: int) -> int:
    while parents[item] != item:
        parents[item] = parents[parents[item]]
        item = parents[item]
    return item


@inlined
def _window_key(points: U32, at: np.uint64, width: int) -> np.uint64:
    """A 64-bit hash of a whole window, never 0."""
    first, second = u64(points[at]), u64(width) << u64(42)
    if width == 5:
        first |= u64(points[at + _1]) << u64(21) | u64(points[at + _2]) << u64(42)
        second |= u64(points[at + _3]) | u64(points[at + u64(4)]) << u64(21)
    else:
        for i in range(1, width):
            second = u64(second * _MIX3) ^ u64(points[at + u64(i)])
    second = u64(second * _MIX4)
    key = u64(u64(first * _MIX3) ^ u64(second << u64(32) | second >> u64(32)))
    key = u64(u64(key ^ (key >> u64(32))) * _GOLDEN)
    key ^= key >> u64(29)
    return key if key else _1


@inlined
def _seek(table: U64, key: np.uint64) -> np.uint64:
    """The place of a key in a hash set, or the empty one where it belongs."""
    last = u64(table.size - 1)
    slot = key & last
    while table[slot] != u64(0) and table[slot] != key:
        slot = u64(slot + _1) & last
    return slot


@inlined
def _feed(
    data: U8, at: int, end: int, own: U64, other: U64, seen: Mask, limit: int, part: np.uint64,
    parts: np.uint64, buffer: U32, fold: FoldTables,
) -> tuple[int, int]:  # fmt: skip
    """Put the shingles of a text into the hash set `own`, but for those in `other`, whose place is marked in `seen`.

    Only keys of one of `parts` parts (a power of two) are looked at. Returns how many went in, and how many different
    ones were in `other`; -1 for the first as soon as more than `limit` would go in, -2 where the text is no UTF-8.
    """
    count = fresh = common = 0
    while True:
        at, count, _, _ = _fold_some(data, at, end, buffer, count, u64(0), fold)
        if at < 0:
            return -2, 0
        final = at == end
        ready = count if final else count - 1
        width = min(5, ready)
        number = ready - width + 1 if width else 0
        for i in range(number):
            key = _window_key(buffer, u64(i), width)
            if parts > _1 and (key >> u64(40)) & (parts - _1) != part:
                continue
            if other.size:
                slot = _seek(other, key)
                if other[slot] == key:
                    common += not seen[slot]
                    seen[slot] = True
                    continue
            slot = _seek(own, key)
            if own[slot] == u64(0):
                if fresh == limit:
                    return -1, common
                own[slot] = key
                fresh += 1
        if final:
            return fresh, common
        for i in range(number, count):
            buffer[i - number] = buffer[i]
        count -= number


@inlined
def _fill(
    data: U8, at: int, end: int, other: U64, seen: Mask, bound: int, part: np.uint64, parts: np.uint64,
    own: U64, buffer: U32, fold: FoldTables,
) -> tuple[U64, int, int]:  # fmt: skip
    """`_feed` into a hash set that is large enough, `own` if that is; also -1 where more than `bound` would go in."""
    size = 64
    while size < 2 * min((end - at) // i64(parts) + 8, bound + 1):
        size *= 2
    while True:
        if own.size == size:
            own[:] = u64(0)
        else:
            own = np.zeros(size, np.uint64)
        seen[:] = False
        limit = min(bound, size - size // 8)
        fresh, common = _feed(data, at, end, own, other, seen, limit, part, parts, buffer, fold)
        if fresh != -1 or limit == bound:
            return own, fresh, common
        size *= 2


@compiled
def verify_pairs(
    data: U8, offsets: I64, left: I64, right: I64, threshold: float, parents: I64, fold: FoldTables,
    jaccards: NDArray[np.float64],
) -> None:  # fmt: skip
    """Fill `jaccards` for texts left[i] and right[i]: exact where at least `threshold`, else -1.

    With `parents` (not empty) the ends of each edge found are joined, and a pair that is joined already gives NaN.
    Texts of more than PART bytes are compared a part of their shingles at a time, so that memory stays bounded.
    """
    buffer, none, unseen = np.empty(CHUNK + _ROOM, np.uint32), np.empty(0, np.uint64), np.empty(0, np.bool_)
    table, rest, seen = np.zeros(64, np.uint64), np.zeros(64, np.uint64), np.zeros(64, np.bool_)
    most, built, first = i64(1) << 62, i64(-1), i64(0)
    for pair in range(left.size):
        i, j = left[pair], right[pair]
        if parents.size and _root(parents, i) == _root(parents, j):
            jaccards[pair] = np.nan
            continue
        longest = max(offsets[i + 1] - offsets[i], offsets[j + 1] - offsets[j])
        parts = 1
        while longest // parts > PART:
            parts *= 2
        one = other = both = i64(0)
        for part in range(parts):
            if parts > 1 or built != i:
                table, first, _ = _fill(
                    data, offsets[i], offsets[i + 1], none, unseen, most, u64(part), u64(parts), table, buffer, fold
                )
                built = i if parts == 1 else i64(-1)
                if seen.size != table.size:
                    seen = np.zeros(table.size, np.bool_)
            # J >= t means at most A / t - A shingles that A has not: with more the pair is no edge, and is left.
            bound = most if parts > 1 or threshold <= 0 else max(i64(first / threshold - first), 0) + 2
            rest, fresh, common = _fill(
                data, offsets[j], offsets[j + 1], table, seen, bound, u64(part), u64(parts), rest, buffer, fold
            )
            if first < 0 or fresh < 0:
                one = i64(-1)
                break
            one, other, both = one + first, other + fresh, both + common
        value = -1.0 if one < 0 else 1.0 if one + other == 0 else both / (one + other)
        jaccards[pair] = value if value >= threshold else -1.0
        if parents.size and value >= threshold:
            low, high = _root(parents, i), _root(parents, j)
            parents[max(low, high)] = min(low, high)

"""The compiled loops of columnar pricing: eight rows at a time, any vector unit, no rounding anywhere.

A rate row holds the five token rates of one (key, band), padded to eight 32-bit lanes, so that eight rows
of usage load eight rate rows, transpose them and multiply column by column: no gather, no branch. LLVM
lowers the vectors to whatever the processor has. A row fits 64 bits because counts and rates are bounded:
the kernels return the OR of all counts and `columnar` refuses a table that exceeds the bound. Sums carry
into a second word.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]  # llvmlite ships no types
from numba import njit, types, uint64
from numba.core import cgutils as _cgutils
from numba.extending import intrinsic

cgutils: Any = _cgutils  # its functions carry no types

LANES = 8
RATE_MISSING = 1 << 31  # the top bit of a rate: no price, and a non-zero count of it is refused
KEY_WRONG = 1 << 63  # flags in the word a kernel returns; its lower bits are the OR of all counts
UNPRICED = 1 << 62
AHEAD_ROWS = 512  # how far ahead memory is asked for: without it, waiting doubles the time of a row
BLOCK_ROWS = 256  # prices of a block wait in the first-level cache until they are added to their groups

_I32, _I64 = ir.IntType(32), ir.IntType(64)
_V8X32, _V8X64 = ir.VectorType(_I32, LANES), ir.VectorType(_I64, LANES)


def compiled(function: Callable[..., Any]) -> Any:
    """The machine code of a loop; kept on disk where that is possible, else made anew in each process."""
    try:
        return njit(function, cache=True, nogil=True, boundscheck=False, error_model="numpy")
    except RuntimeError:  # numba's word for: neither the package's folder nor the user's cache can be written
        return njit(function, nogil=True, boundscheck=False, error_model="numpy")


class _Emit:
    """Writes vector instructions of one call into the function being compiled."""

    def __init__(self, context: Any, builder: Any, signature: Any, arguments: Any) -> None:
        self.context, self.builder, self.signature, self.arguments = context, builder, signature, arguments

    def data(self, position: int) -> Any:
        """Where the array argument's first element lies."""
        array = self.context.make_array(self.signature.args[position])
        return array(self.context, self.builder, self.arguments[position]).data

    def load(self, base: Any, index: Any) -> Any:
        """Eight neighbouring elements; an array promises no more than the alignment of its element."""
        vector = ir.VectorType(base.type.pointee, LANES)
        place = self.builder.bitcast(self.builder.gep(base, [index]), vector.as_pointer())
        return self.builder.load(place, align=base.type.pointee.width // 8)

    def prefetch(self, base: Any, index: Any) -> None:
        """Ask for the cache line that holds an element; past the end of the array this does nothing."""
        byte = ir.IntType(8).as_pointer()
        kind = ir.FunctionType(ir.VoidType(), [byte, _I32, _I32, _I32])
        ask = cgutils.get_or_insert_function(self.builder.module, kind, "llvm.prefetch.p0i8")
        place = self.builder.bitcast(self.builder.gep(base, [index]), byte)
        self.builder.call(ask, [place, *(ir.Constant(_I32, value) for value in (0, 3, 1))])

    def widen(self, vector: Any) -> Any:
        """To 64-bit lanes without sign: a negative count shows as a huge one and is refused."""
        return vector if vector.type == _V8X64 else self.builder.zext(vector, _V8X64)

    def splat(self, scalar: Any) -> Any:
        """The same 64-bit value in every lane."""
        blank = ir.Constant(_V8X64, ir.Undefined)
        single = self.builder.insert_element(blank, scalar, ir.Constant(_I32, 0))
        return self.builder.shuffle_vector(single, blank, ir.Constant(_V8X32, [0] * LANES))

    def shuffle(self, left: Any, right: Any, lanes: list[int]) -> Any:
        """Lanes 0 to 7 of the left vector and 8 to 15 of the right one, chosen by number."""
        return self.builder.shuffle_vector(left, right, ir.Constant(_V8X32, lanes))

    def columns(self, rows: list[Any]) -> list[Any]:
        """The first five columns of eight rate rows: an 8 x 8 transposition in three steps."""
        low = [self.shuffle(rows[at], rows[at + 1], [0, 8, 1, 9, 4, 12, 5, 13]) for at in range(0, LANES, 2)]
        high = [self.shuffle(rows[at], rows[at + 1], [2, 10, 3, 11, 6, 14, 7, 15]) for at in range(0, LANES, 2)]
        even, odd = [0, 1, 8, 9, 4, 5, 12, 13], [2, 3, 10, 11, 6, 7, 14, 15]
        quads = [
            (self.shuffle(half[0], half[1], lanes), self.shuffle(half[2], half[3], lanes))
            for half in (low, high)
            for lanes in (even, odd)
        ]
        front, back = [0, 1, 2, 3, 8, 9, 10, 11], [4, 5, 6, 7, 12, 13, 14, 15]
        return [*(self.shuffle(*pair, front) for pair in quads), self.shuffle(*quads[0], back)]

    def any_of(self, vector: Any) -> Any:
        """The OR of all lanes."""
        kind = ir.FunctionType(_I64, [_V8X64])
        reduce = cgutils.get_or_insert_function(self.builder.module, kind, "llvm.vector.reduce.or.v8i64")
        return self.builder.call(reduce, [vector])


def _price_eight(  # noqa: PLR0913, PLR0917  numba passes arrays one by one
    _typing: Any,
    rates: Any,
    slots: Any,
    c0: Any,
    c1: Any,
    c2: Any,
    c3: Any,
    c4: Any,
    row: Any,
    out: Any,
    place: Any,
    at: Any,
) -> Any:
    """Prices of rows `row` to `row + 7` into `out[place:]`; returns the OR of their counts and the flags."""
    signature = types.uint64(rates, slots, c0, c1, c2, c3, c4, row, out, place, at)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        emit = _Emit(context, builder, signature, arguments)
        counts = [emit.widen(emit.load(emit.data(2 + unit), arguments[7])) for unit in range(5)]
        ahead = builder.add(arguments[7], ir.Constant(_I64, AHEAD_ROWS))
        for unit in range(5):
            emit.prefetch(emit.data(2 + unit), ahead)
        first = emit.data(0)
        slot = builder.gep(emit.data(1), [arguments[10]])
        places = [builder.load(builder.gep(slot, [ir.Constant(_I64, lane)])) for lane in range(LANES)]
        rows = [emit.load(first, builder.zext(place, _I64)) for place in places]
        zeros = ir.Constant(_V8X64, [0] * LANES)
        price, seen, unpriced = zeros, zeros, zeros
        for column, count in zip(emit.columns(rows), counts, strict=True):
            price = builder.add(price, builder.mul(emit.widen(column), count))
            seen = builder.or_(seen, count)
            missing = builder.icmp_signed("<", column, ir.Constant(_V8X32, [0] * LANES))
            unpriced = builder.select(missing, builder.or_(unpriced, count), unpriced)
        store = builder.bitcast(builder.gep(emit.data(8), [arguments[9]]), _V8X64.as_pointer())
        builder.store(price, store, align=8)
        flag = ir.Constant(_V8X64, [UNPRICED] * LANES)
        seen = builder.select(builder.icmp_unsigned("!=", unpriced, zeros), builder.or_(seen, flag), seen)
        return emit.any_of(seen)

    return signature, generate


price_eight: Any = intrinsic(_price_eight)


def _price_one(rates, key_max, thresholds, key, c0, c1, c2, c3, c4, row):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202, PLR0913, PLR0917  numba infers the types; arrays come one by one
    """One row in plain words, for the few that are left over; the same contract as `price_eight`."""
    counts = (uint64(c0[row]), uint64(c1[row]), uint64(c2[row]), uint64(c3[row]), uint64(c4[row]))
    slot = uint64(key[row])
    seen = uint64(0)
    if slot > key_max:
        slot = uint64(0)
        seen |= uint64(KEY_WRONG)
    prompt = counts[0] + counts[2] + counts[3] + counts[4]
    slot *= uint64(len(thresholds) + 1)
    for threshold in thresholds:
        slot += uint64(prompt > threshold)
    slot *= uint64(LANES)
    price = uint64(0)
    for unit in range(5):
        rate = uint64(rates[slot + uint64(unit)])
        price += rate * counts[unit]
        seen |= counts[unit]
        if rate >= RATE_MISSING and counts[unit] != 0:
            seen |= uint64(UNPRICED)
    return price, seen


price_one: Any = compiled(_price_one)


def _find_slots(key_max, thresholds, key, c0, c2, c3, c4, first, size, slots):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202, PLR0913, PLR0917  as above
    """The first lane of each row's rate row: key x bands, one further for every threshold its prompt exceeds."""
    wrong = uint64(0)
    bands = uint64(len(thresholds) + 1)
    for at in range(uint64(size)):
        row = uint64(first) + at
        prompt = uint64(c0[row]) + uint64(c2[row]) + uint64(c3[row]) + uint64(c4[row])
        slot = min(uint64(key[row]), key_max)  # a wrong key must not read outside the table
        wrong |= slot ^ uint64(key[row])
        slot *= bands
        for threshold in thresholds:
            slot += uint64(prompt > threshold)
        slots[at] = slot * uint64(LANES)
    return uint64(KEY_WRONG) if wrong else uint64(0)


find_slots: Any = compiled(_find_slots)


def _price_rows(rates, key_max, thresholds, key, c0, c1, c2, c3, c4, first, last, out):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202, PLR0913, PLR0917  as above
    """Price rows first to last (exclusive) into `out`; returns the OR of counts and flags."""
    seen = uint64(0)
    slots = np.empty(BLOCK_ROWS, np.uint32)
    for start in range(first, last, BLOCK_ROWS):
        size = min(BLOCK_ROWS, last - start)
        whole = size & ~7
        seen |= find_slots(key_max, thresholds, key, c0, c2, c3, c4, start, whole, slots)
        for at in range(0, whole, 8):
            seen |= price_eight(rates, slots, c0, c1, c2, c3, c4, start + at, out, start + at, at)
        for row in range(start + whole, start + size):
            price, flags = price_one(rates, key_max, thresholds, key, c0, c1, c2, c3, c4, row)
            out[row] = price
            seen |= flags
    return seen


def _total_rows(rates, key_max, thresholds, key, c0, c1, c2, c3, c4, first, last, group, spread_bits, sums):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202, PLR0913, PLR0917  as above
    """Add the prices of rows to `sums`, pairs of low and high words; returns the OR of counts and flags.

    A group owns 2**spread_bits pairs and rows take turns, so that a run of one group does not
    wait for its own last addition.
    """
    seen = uint64(0)
    prices = np.empty(BLOCK_ROWS, np.uint64)
    slots = np.empty(BLOCK_ROWS, np.uint32)
    turn = uint64((1 << spread_bits) - 1)
    shift = uint64(spread_bits + 1)
    for start in range(first, last, BLOCK_ROWS):
        size = min(BLOCK_ROWS, last - start)
        whole = size & ~7
        base = uint64(start)
        seen |= find_slots(key_max, thresholds, key, c0, c2, c3, c4, start, whole, slots)
        for at in range(0, whole, 8):
            seen |= price_eight(rates, slots, c0, c1, c2, c3, c4, start + at, prices, at, at)
        for at in range(whole, size):
            price, flags = price_one(rates, key_max, thresholds, key, c0, c1, c2, c3, c4, start + at)
            prices[at] = price
            seen |= flags
        for at in range(uint64(size)):
            price = prices[at]
            pair = (uint64(group[base + at]) << shift) + ((at & turn) << uint64(1))
            low = sums[pair] + price
            sums[pair] = low
            if low < price:
                sums[pair + uint64(1)] += uint64(1)
    return seen


price_rows: Any = compiled(_price_rows)
total_rows: Any = compiled(_total_rows)


def _mix(mixed, radix, codes, position):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202  as above
    """Append a digit to the mixed number of every row: the position of its code among those that occur."""
    for row in range(uint64(len(mixed))):
        mixed[row] = mixed[row] * radix + position[codes[row]]


def _mark(seen, codes, days, day_first, windows, width):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202  as above
    """Mark every (code, price window) that occurs."""
    for row in range(uint64(len(codes))):
        seen[uint64(codes[row]) * uint64(width) + uint64(windows[uint64(days[row] - day_first)])] = True


def _place(keys, codes, days, day_first, windows, width, out):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202  as above
    """The key of every row's (code, price window)."""
    for row in range(uint64(len(codes))):
        out[row] = keys[uint64(codes[row]) * uint64(width) + uint64(windows[uint64(days[row] - day_first)])]


mix: Any = compiled(_mix)
mark: Any = compiled(_mark)
place: Any = compiled(_place)

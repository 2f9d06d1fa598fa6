"""Keys over the steps of a generation: each step hands over all of them again, and each is held once."""

from __future__ import annotations

import torch

SAMPLE = 16  # places that tell most keys apart before all of them are compared
SMALL = 2**20  # bytes up to which that is not worth it
_LENGTH = -2  # the axis of keys


class GrowingKeys:
    """The keys (..., key head, key, d) that one module was given, step by step.

    A step's keys that continue those of the step before are appended to a buffer with room to spare; of a
    buffer with free slots (a static cache) the newly filled ones are written. Steps hold views of the buffer,
    which together hold at most four times the keys.
    """

    def __init__(self) -> None:
        self._buffer: torch.Tensor | None = None
        self._own = False  # whether the buffer is no memory of the model's, and may be written
        self._start = self._end = 0  # the last step's keys in the buffer
        self._seen: torch.Tensor | None = None  # which slots a query could see so far
        self.sequence = -1

    def hold(
        self, keys: torch.Tensor, queries: int, seen: torch.Tensor | None = None, *, own: bool = False
    ) -> tuple[torch.Tensor, int]:
        """Return a step's keys as they are held, and the position of the first one in the sequence.

        Parameters
        ----------
        keys
            All keys of the step, already a tensor that nobody else writes into.
        queries
            How many queries the step has: no more keys than that are new.
        seen
            Which keys (key,) some query may attend to; None for all.
        own
            Whether ``keys`` is a copy, which the model does not read either.
        """
        length = keys.shape[_LENGTH]
        if queries < length and self._fits(keys):
            if self._fill(keys, seen) or (length == self._length and self._agree(keys, self._start, length)):
                return self._last(), self._start
            # what came before whole, or as a window that has moved on
            for shared in (self._length, length - queries):
                if shared <= min(length, self._length) and self._agree(keys, self._end - shared, shared):
                    self._append(keys.narrow(_LENGTH, shared, length - shared), seen)
                    self._start = self._end - length
                    return self._last(), self._start
        self.begin()
        self._buffer, self._own, self._end, self._seen = keys, own, length, seen
        return keys, 0

    def begin(self) -> int:
        """Begin another sequence, of which nothing is held so far, and return its number."""
        self._buffer, self._own, self._start, self._end, self._seen = None, False, 0, 0, None
        self.sequence += 1
        return self.sequence

    def move(self, device: torch.device) -> None:
        """Go on with a copy on another device; steps so far keep what they hold."""
        if self._buffer is not None:
            self._buffer, self._own = self._buffer.to(device, copy=True), True
        if self._seen is not None:
            self._seen = self._seen.to(device)

    @property
    def _length(self) -> int:
        return self._end - self._start

    def _fits(self, keys: torch.Tensor) -> bool:
        buffer = self._buffer
        if buffer is None or buffer.dtype != keys.dtype or buffer.device != keys.device:
            return False
        return buffer.shape[:_LENGTH] == keys.shape[:_LENGTH] and buffer.shape[-1] == keys.shape[-1]

    def _last(self) -> torch.Tensor:
        assert self._buffer is not None
        return self._buffer.narrow(_LENGTH, self._start, self._length)

    def _fill(self, keys: torch.Tensor, seen: torch.Tensor | None) -> bool:
        """Write the slots that were free and are seen now; maps of earlier steps hide them."""
        if self._seen is None or seen is None or keys.shape[_LENGTH] != self._length:
            return False
        old = self._seen.nonzero().flatten()
        held = self._last()
        if not torch.equal(keys.index_select(_LENGTH, old), held.index_select(_LENGTH, old)):
            return False
        if not self._own:
            self._buffer, self._own = held.clone(), True
            self._start, self._end = 0, self._length
            held = self._buffer
        new = (seen & ~self._seen).nonzero().flatten()
        held.data.index_copy_(_LENGTH, new, keys.index_select(_LENGTH, new))
        self._seen = self._seen | seen
        return True

    def _agree(self, keys: torch.Tensor, start: int, length: int) -> bool:
        """Compare a step's first keys with what is held from a place on: if large, a sample first."""
        assert self._buffer is not None
        new, held = keys.narrow(_LENGTH, 0, length), self._buffer.narrow(_LENGTH, start, length)
        if new.numel() * new.element_size() > SMALL:
            places = torch.linspace(0, length - 1, SAMPLE, device=keys.device).long()
            if not torch.equal(new.index_select(_LENGTH, places), held.index_select(_LENGTH, places)):
                return False
        return torch.equal(new, held)

    def _append(self, new: torch.Tensor, seen: torch.Tensor | None) -> None:
        assert self._buffer is not None
        end = self._end + new.shape[_LENGTH]
        if end > self._buffer.shape[_LENGTH]:
            shape = list(self._buffer.shape)
            shape[_LENGTH] = 2 * end
            room = self._buffer.new_zeros(shape)
            room.narrow(_LENGTH, 0, self._end).copy_(self._buffer.narrow(_LENGTH, 0, self._end))
            self._buffer, self._own = room, True
        # through .data: for the views handed out before nothing changes
        self._buffer.data.narrow(_LENGTH, self._end, new.shape[_LENGTH]).copy_(new)
        self._end, self._seen = end, seen

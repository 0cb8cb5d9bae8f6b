"""Where the answers that may be served stale are kept: a cachetools store, bounded by bytes.

The mutable state is the one cache of a StaleStore, of which a worker has one; it changes in `put`, and in `get` by the
order of use alone. The least recently used answer goes first. An answer larger than a sixteenth of the store is not
kept: it would push out many that are asked for. What is too old is found out when it is asked for, and dropped.

Of one key there is one answer: with another value of a varying field the newer one takes the place. It is a safety net,
and this bounds what one URL can take.
"""

from cachetools import LRUCache

from gateway.mitigate import stale
from gateway.mitigate.stale import Headers, Stored

SIZE = 64 << 20
LARGEST_SHARE = 16


def _size(stored: Stored) -> int:
    return stored.size


class StaleStore:
    """Kept answers by their key (stale.key), at most `size` bytes of them."""

    def __init__(self, size: int = SIZE) -> None:
        self._answers: LRUCache[str, Stored] = LRUCache(size, getsizeof=_size)
        self.kept = self.served = self.too_large = 0

    def put(self, key: str, stored: Stored) -> bool:
        """Keep it; False where it is too large."""
        if stored.size > min(self._answers.maxsize // LARGEST_SHARE, stale.BODY_MAX):
            self.too_large += 1
            return False
        self._answers[key] = stored
        self.kept += 1
        return True

    def get(self, key: str, request: Headers, now: int) -> Stored | None:
        """An answer that may be served to this request, None without one."""
        stored = self._answers.get(key)
        if stored is None:
            return None
        if stale.stale_for(stored, now) > stored.grace:
            del self._answers[key]
            return None
        if not stale.may_serve(stored, request, now):
            return None
        self.served += 1
        return stored

    def forget(self, key: str) -> None:
        """After a write to the same resource: what is kept is no longer what it was (RFC 9111 4.4)."""
        self._answers.pop(key, None)

    def snapshot(self) -> dict[str, int]:
        return {"answers": len(self._answers), "bytes": int(self._answers.currsize), "size": int(self._answers.maxsize),
                "kept": self.kept, "served": self.served, "too_large": self.too_large}

    def __repr__(self) -> str:
        return f"<stale store {len(self._answers)} answers, {self._answers.currsize} of {self._answers.maxsize} bytes>"

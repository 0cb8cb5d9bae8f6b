"""The store is bounded by bytes and forgets what nobody asks for."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.mitigate import stale
from gateway.mitigate.stale_store import StaleStore
from gateway.model.safeguards import SECOND


def answer(body: int = 100, now: int = 0) -> stale.Stored:
    return stale.keep({}, 200, {"cache-control": "max-age=10"}, (), b"x" * body, now, 10 * SECOND)


def test_what_was_kept_is_found_until_it_is_too_old():
    store = StaleStore(100_000)
    assert store.put("a", answer())
    assert store.get("a", {}, 20 * SECOND) is not None
    assert store.get("a", {}, 21 * SECOND) is None
    assert store.snapshot() == {"answers": 0, "bytes": 0, "size": 100_000, "kept": 1, "served": 1, "too_large": 0}


def test_a_client_that_wants_none_does_not_empty_the_store():
    store = StaleStore(100_000)
    store.put("a", answer())
    assert store.get("a", {"cache-control": "no-cache"}, 0) is None
    assert store.get("a", {}, 0) is not None


def test_one_large_answer_does_not_push_out_the_others():
    store = StaleStore(16_000)
    assert not store.put("large", answer(1000))
    assert store.put("small", answer(800))
    assert (store.snapshot()["too_large"], repr(store)) == (1, "<stale store 1 answers, 1000 of 16000 bytes>")


def test_a_write_makes_it_forget():
    store = StaleStore()
    store.put("a", answer())
    store.forget("a")
    store.forget("never kept")
    assert store.get("a", {}, 0) is None


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 700)), max_size=200))
def test_it_never_holds_more_bytes_than_it_may(story):
    store = StaleStore(16_000)
    for key, body in story:
        store.put(str(key), answer(body))
        assert store.snapshot()["bytes"] <= 16_000

"""What was computed is kept within a number of bytes."""

import threading

import numpy as np
import pytest

from visualizer.kept import Kept


def test_those_go_first_that_were_not_asked_for_longest():
    kept, made = Kept(100), []

    def ask(name, size=40):
        return kept.get(name, lambda: made.append(name) or np.zeros(size, np.uint8))

    for name in "abacb":
        ask(name)
    assert made == ["a", "b", "c", "b"]
    assert kept.names == {"b", "c"}
    ask("large", 100)
    assert kept.names == {"large"}


def test_what_is_larger_than_all_stays_until_the_next():
    kept = Kept(10)
    kept.get("small", lambda: np.ones(10, np.uint8))
    assert kept.get("large", lambda: np.ones(11, np.uint8)).sum() == 11
    assert kept.names == {"large"}
    kept.get("small", lambda: np.ones(10, np.uint8))
    assert kept.names == {"small"}


def test_what_takes_the_place_of_another_counts_alone():
    kept = Kept(100)
    for size in (60, 90, 50):
        kept.keep("a", np.zeros(size, np.uint8))
    kept.keep("b", np.zeros(50, np.uint8))
    assert kept.names == {"a", "b"}
    assert kept.peek("a").nbytes == 50
    assert kept.peek("c") is None


def test_what_failed_is_made_again():
    kept = Kept()
    with pytest.raises(ZeroDivisionError):
        kept.get("a", lambda: 1 / 0)
    assert kept.get("a", lambda: np.ones(1)).sum() == 1


def test_two_who_make_the_same_count_once():
    kept, both = Kept(100), threading.Barrier(2)

    def make():
        both.wait(60)
        return np.zeros(60, np.uint8)

    threads = [threading.Thread(target=kept.get, args=("a", make)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept.get("b", lambda: np.zeros(40, np.uint8))
    assert kept.names == {"a", "b"}

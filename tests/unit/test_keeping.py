from app.keeping import Kept


def test_what_was_not_used_for_longest_makes_room() -> None:
    kept = Kept[str, int](100)
    kept.keep("a", 1, 40)
    kept.keep("b", 2, 40)
    assert kept.get("a") == 1
    kept.keep("c", 3, 40)

    assert [kept.get(key) for key in "abc"] == [1, None, 3]
    assert kept.n_bytes == 80
    assert len(kept) == 2


def test_threads_that_made_the_same_thing_use_the_first() -> None:
    kept = Kept[str, str](100)
    assert kept.keep("a", "first", 10) == "first"
    assert kept.keep("a", "second", 10) == "first"


def test_what_is_larger_than_all_room_is_used_once() -> None:
    kept = Kept[str, int](100)
    kept.keep("a", 1, 40)
    assert kept.keep("b", 2, 101) == 2
    assert kept.get("b") is None
    assert kept.get("a") == 1

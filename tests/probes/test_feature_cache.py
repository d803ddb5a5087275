import os
from dataclasses import replace
from pathlib import Path

import numpy as np

from app.probes.feature_cache import FeatureCache, FeatureKey, path_of, rows_digest
from app.probes.features import Features

KEY = FeatureKey(
    dataset_id="a" * 64, rows_sha256="b" * 64, model_name="local:m@1", pooling="mean", max_length=64
)


def features(value: float = 1.0) -> Features:
    return np.full((10, 100), value, dtype=np.float32)


def test_what_was_put_comes_back(tmp_path: Path) -> None:
    cache = FeatureCache(tmp_path, 10**6)
    cache.put(KEY, features(3.0))
    found = cache.get(KEY)
    assert found is not None
    np.testing.assert_array_equal(found, features(3.0))


def test_every_part_of_the_key_tells_entries_apart(tmp_path: Path) -> None:
    cache = FeatureCache(tmp_path, 10**6)
    cache.put(KEY, features())
    others = (
        replace(KEY, dataset_id="c" * 64),
        replace(KEY, rows_sha256="c" * 64),
        replace(KEY, model_name="local:m@2"),
        replace(KEY, pooling="last"),
        replace(KEY, max_length=32),
        replace(KEY, input_prefix="query: "),
    )
    assert [cache.get(key) for key in others] == [None] * len(others)


def test_least_recently_used_makes_room(tmp_path: Path) -> None:
    cache = FeatureCache(tmp_path, 10_000)  # two of three entries of 4,128 bytes
    first, second, third = (replace(KEY, max_length=n) for n in (1, 2, 3))
    cache.put(first, features())
    os.utime(path_of(first, tmp_path), ns=(1, 1))
    cache.put(second, features())
    os.utime(path_of(second, tmp_path), ns=(2, 2))
    assert cache.get(first) is not None
    cache.put(third, features())
    assert cache.get(second) is None
    assert cache.get(first) is not None


def test_features_beyond_the_limit_are_not_kept(tmp_path: Path) -> None:
    FeatureCache(tmp_path, 1_000).put(KEY, features())
    assert not list(tmp_path.rglob("*.npy"))


def test_damaged_file_is_a_miss_and_goes(tmp_path: Path) -> None:
    cache = FeatureCache(tmp_path, 10**6)
    cache.put(KEY, features())
    path = path_of(KEY, tmp_path)
    path.write_bytes(path.read_bytes()[:100])
    assert cache.get(KEY) is None
    assert not path.exists()


def test_removing_a_dataset_leaves_the_others(tmp_path: Path) -> None:
    cache = FeatureCache(tmp_path, 10**6)
    other = replace(KEY, dataset_id="c" * 64)
    cache.put(KEY, features())
    cache.put(other, features())
    cache.remove_dataset(KEY.dataset_id)
    assert cache.get(KEY) is None
    assert cache.get(other) is not None


def test_no_scratch_file_is_left(tmp_path: Path) -> None:
    FeatureCache(tmp_path, 10**6).put(KEY, features())
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1


def test_order_of_rows_matters_to_the_digest() -> None:
    assert rows_digest(np.array([1, 2])) != rows_digest(np.array([2, 1]))

"""The Hugging Face hub against a server that speaks its routes."""

import json
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.probes.weights import DEMO_MODELS, ensure_weights, packaged_entries
from models_registry.hubs.base import (
    Deadline,
    FetchedModel,
    GatedModelError,
    HashMismatchError,
    HubError,
    HubTimeoutError,
    HubUnavailableError,
    ModelNotFoundError,
    ModelTooLargeError,
    RemoteCodeError,
    UnsafeWeightsError,
)
from models_registry.hubs.cache import sha256_of
from models_registry.hubs.huggingface import HuggingFaceHub
from tests.contract.hub_server import (
    COMMIT,
    FakeHub,
    Repo,
    entry_of,
    running_hub,
    small_model,
)

WEIGHTS = "model.safetensors"
SEVERAL_CHUNKS = 24_000_000  # huggingface_hub writes to disk in steps of 10 MiB
CUT = 13_000_000


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeHub]:
    monkeypatch.setenv("HF_HUB_DISABLE_TELEMETRY", "1")
    monkeypatch.setenv("HF_HUB_DISABLE_XET", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf-home"))
    with running_hub() as hub:
        yield hub


@pytest.fixture
def models(tmp_path: Path) -> Path:
    return tmp_path / "models"


def fetch(server: FakeHub, models: Path, *, seconds: float = 60.0, revision: str = COMMIT) -> FetchedModel:
    hub = HuggingFaceHub(server.endpoint)
    return hub.fetch(entry_of(revision=revision), models, deadline=Deadline.after(seconds))


@dataclass(frozen=True, slots=True)
class WhenStalled(Deadline):
    """A deadline that comes as soon as part of the weights is on disk."""

    models: Path = Path()

    @classmethod
    def below(cls, models: Path) -> "WhenStalled":
        return cls(0.0, 0.0, models)

    @property
    def left(self) -> float:
        parts = self.models.rglob(f"{WEIGHTS}.incomplete")
        return 0.0 if any(part.stat().st_size for part in parts) else 60.0


def visible_files(models: Path) -> list[str]:
    """Files below the cache that are no locks."""
    found = (path.relative_to(models) for path in models.rglob("*") if path.is_file())
    return sorted(path.as_posix() for path in found if path.parts[0] != ".locks")


def refused(server: FakeHub, models: Path, error: type[HubError]) -> HubError:
    with pytest.raises(error) as caught:
        fetch(server, models)
    return caught.value


def test_a_fetched_model_is_byte_for_byte_that_of_the_hub(server: FakeHub, models: Path) -> None:
    server.repos["acme/tiny"] = Repo(files=small_model())
    fetched = fetch(server, models)
    for name, content in small_model().items():
        assert (fetched.folder / name).read_bytes() == content


def test_a_fetched_model_lies_under_hub_id_and_commit(server: FakeHub, models: Path) -> None:
    server.repos["acme/tiny"] = Repo(files=small_model())
    assert fetch(server, models).folder == models / "huggingface" / "acme--tiny" / COMMIT


def test_the_provenance_states_commit_and_hashes(server: FakeHub, models: Path) -> None:
    server.repos["acme/tiny"] = Repo(files=small_model())
    fetched = fetch(server, models)
    record = json.loads((fetched.folder / "provenance.json").read_text())
    assert record["revision"] == COMMIT
    assert record["sha256"][WEIGHTS] == sha256_of(fetched.folder / WEIGHTS)


def test_only_configuration_tokenizer_and_weights_are_downloaded(server: FakeHub, models: Path) -> None:
    extra = {"modeling_tiny.py": b"raise SystemExit", "pytorch_model.bin": b"x" * 2000, "README.md": b"#"}
    server.repos["acme/tiny"] = Repo(files=small_model() | extra)
    assert fetch(server, models).files == ("config.json", WEIGHTS, "tokenizer.json")
    assert not any(server.downloads_of(name) for name in extra)


def test_a_second_fetch_asks_the_hub_nothing(server: FakeHub, models: Path) -> None:
    server.repos["acme/tiny"] = Repo(files=small_model())
    first = fetch(server, models)
    server.requests.clear()
    assert fetch(server, models) == first
    assert server.requests == []


def test_a_branch_is_resolved_once_to_its_commit(server: FakeHub, models: Path) -> None:
    server.repos["acme/tiny"] = Repo(files=small_model())
    assert fetch(server, models, revision="main").revision == COMMIT
    server.repos["acme/tiny"].commit = "f" * 40
    assert fetch(server, models, revision="main").revision == COMMIT


def test_shards_are_fetched_by_their_index(server: FakeHub, models: Path) -> None:
    files = small_model()
    content = files.pop(WEIGHTS)
    shards = {"model-00001-of-00002.safetensors": content, "model-00002-of-00002.safetensors": content}
    index = {"weight_map": {f"t{i}": name for i, name in enumerate(shards)}}
    files |= shards | {"model.safetensors.index.json": json.dumps(index).encode()}
    server.repos["acme/tiny"] = Repo(files=files)
    assert set(shards) <= set(fetch(server, models).files)


def test_an_index_may_not_point_outside_its_folder(server: FakeHub, models: Path) -> None:
    files = small_model()
    del files[WEIGHTS]
    index = {"weight_map": {"t": "../../escape.safetensors"}}
    server.repos["acme/tiny"] = Repo(
        files=files | {"model.safetensors.index.json": json.dumps(index).encode()}
    )
    refused(server, models, UnsafeWeightsError)
    assert visible_files(models) == []


def test_an_unknown_model_is_not_found_and_leaves_nothing(server: FakeHub, models: Path) -> None:
    refused(server, models, ModelNotFoundError)
    assert visible_files(models) == []


def test_an_unknown_revision_is_not_found(server: FakeHub, models: Path) -> None:
    server.repos["acme/tiny"] = Repo(files=small_model(), commit="a" * 40)
    refused(server, models, ModelNotFoundError)


def test_a_gated_model_is_told_apart_from_a_missing_one(server: FakeHub, models: Path) -> None:
    server.repos["acme/tiny"] = Repo(files=small_model(), gated=True)
    assert refused(server, models, GatedModelError).model == f"huggingface:acme/tiny@{COMMIT}"
    assert visible_files(models) == []


def test_pickled_weights_are_refused_by_name_and_never_downloaded(server: FakeHub, models: Path) -> None:
    files = small_model()
    files["pytorch_model.bin"] = files.pop(WEIGHTS)
    server.repos["acme/tiny"] = Repo(files=files)
    error = refused(server, models, UnsafeWeightsError)
    assert isinstance(error, UnsafeWeightsError)
    assert error.found == ("pytorch_model.bin",)
    assert server.downloads_of("pytorch_model.bin") == []
    assert visible_files(models) == []


def test_a_pickle_that_is_called_safetensors_is_refused(server: FakeHub, models: Path) -> None:
    server.repos["acme/tiny"] = Repo(files=small_model() | {WEIGHTS: b"\x80\x04\x95" + b"x" * 2000})
    refused(server, models, UnsafeWeightsError)
    assert visible_files(models) == []


def test_code_of_the_models_own_is_refused_before_weights_are_downloaded(
    server: FakeHub, models: Path
) -> None:
    files = small_model(auto_map={"AutoModel": "modeling_tiny.TinyModel"})
    server.repos["acme/tiny"] = Repo(files=files)
    refused(server, models, RemoteCodeError)
    assert server.downloads_of(WEIGHTS) == []
    assert visible_files(models) == []


def test_weights_that_differ_from_the_announced_hash_are_refused(server: FakeHub, models: Path) -> None:
    server.repos["acme/tiny"] = Repo(files=small_model(), announced_sha256="0" * 64)
    error = refused(server, models, HashMismatchError)
    assert isinstance(error, HashMismatchError)
    assert error.expected == "0" * 64
    assert visible_files(models) == []


def test_weights_that_differ_from_the_pinned_hash_are_refused(server: FakeHub, models: Path) -> None:
    server.repos["acme/tiny"] = Repo(files=small_model())
    with pytest.raises(HashMismatchError):
        HuggingFaceHub(server.endpoint).fetch(entry_of(sha256="1" * 64), models, deadline=Deadline.after(60))
    assert visible_files(models) == []


def test_a_model_beyond_the_size_limit_is_refused_before_its_weights_are_downloaded(
    server: FakeHub, models: Path
) -> None:
    server.repos["acme/tiny"] = Repo(files=small_model())
    hub = HuggingFaceHub(server.endpoint, max_bytes=10_000)
    with pytest.raises(ModelTooLargeError):
        hub.fetch(entry_of(), models, deadline=Deadline.after(60))
    assert server.downloads_of(WEIGHTS) == []


def test_a_silent_hub_ends_with_the_deadline(server: FakeHub, models: Path) -> None:
    server.repos["acme/tiny"] = Repo(files=small_model(), silent=True)
    with pytest.raises(HubTimeoutError) as caught:
        fetch(server, models, seconds=2.5)
    assert caught.value.seconds == 2.5
    assert not (models / "huggingface").exists()


def test_a_hub_that_is_gone_is_unavailable(models: Path) -> None:
    with running_hub() as gone:
        pass
    with pytest.raises(HubUnavailableError):
        fetch(gone, models)


def test_a_download_that_is_cut_off_goes_on_where_it_was(server: FakeHub, models: Path) -> None:
    server.repos["acme/tiny"] = Repo(files=small_model(n_bytes=SEVERAL_CHUNKS), cut_after=CUT)
    fetched = fetch(server, models)
    first, second = (r.start for r in server.downloads_of(WEIGHTS))
    assert (first, second > 0, second <= CUT) == (0, True, True)
    assert sha256_of(fetched.folder / WEIGHTS) == fetched.sha256[WEIGHTS]


def test_a_fetch_after_a_timeout_takes_only_the_missing_bytes(server: FakeHub, models: Path) -> None:
    server.repos["acme/tiny"] = Repo(files=small_model(n_bytes=SEVERAL_CHUNKS), stall_after=CUT)
    with pytest.raises(HubTimeoutError):
        HuggingFaceHub(server.endpoint).fetch(entry_of(), models, deadline=WhenStalled.below(models))
    assert not (models / "huggingface").exists()
    fetched = fetch(server, models)
    resumed_at = server.downloads_of(WEIGHTS)[1].start
    assert 0 < resumed_at <= CUT
    assert sha256_of(fetched.folder / WEIGHTS) == fetched.sha256[WEIGHTS]


def test_a_part_of_another_commit_is_not_continued(server: FakeHub, models: Path) -> None:
    server.repos["acme/tiny"] = Repo(
        files=small_model(n_bytes=SEVERAL_CHUNKS), stall_after=CUT, commit="a" * 40
    )
    with pytest.raises(HubTimeoutError):
        HuggingFaceHub(server.endpoint).fetch(
            entry_of(revision="main"), models, deadline=WhenStalled.below(models)
        )
    server.repos["acme/tiny"] = Repo(files=small_model(note="new"), commit="b" * 40)
    fetched = fetch(server, models, revision="main")
    assert json.loads((fetched.folder / "config.json").read_text())["note"] == "new"
    assert server.downloads_of(WEIGHTS)[-1].start == 0


def test_two_fetches_at_once_download_once(server: FakeHub, models: Path) -> None:
    server.repos["acme/tiny"] = Repo(files=small_model())
    results: list[FetchedModel] = []
    threads = [threading.Thread(target=lambda: results.append(fetch(server, models))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 3
    assert all(result == results[0] for result in results)
    assert len(server.downloads_of(WEIGHTS)) == 1


def test_the_address_is_taken_from_hf_endpoint_when_none_is_given(
    server: FakeHub, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
    server.repos["acme/tiny"] = Repo(files=small_model())
    fetched = HuggingFaceHub().fetch(entry_of(), models, deadline=Deadline.after(60))
    assert fetched.revision == COMMIT


@pytest.mark.parametrize("name", ["../x", "a/../../x", "https://example.org/x", "/etc/passwd", "a/b/c", ""])
def test_names_that_are_paths_or_addresses_make_no_entry(name: str) -> None:
    with pytest.raises(ValueError, match="id"):
        entry_of(name)


@pytest.mark.weights
def test_real_packaged_weights_load_from_the_hub_and_embed_as_published(
    server: FakeHub, models: Path
) -> None:
    """Similarities of these sentences: documentation of sentence-transformers for all-MiniLM-L6-v2."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    default = Path(__file__).parents[2] / ".cache" / "models"
    cache = Path(os.environ.get("ADVISOR_TEST_MODELS_DIR", default))
    try:
        packaged = ensure_weights(packaged_entries()[DEMO_MODELS[0]], cache)
    except HubError as error:
        pytest.skip(f"the packaged weights cannot be fetched: {error}")
    files = {path.name: path for path in packaged.iterdir() if path.name != "provenance.json"}
    server.repos["sentence-transformers/all-MiniLM-L6-v2"] = Repo(files=files)
    entry = entry_of("sentence-transformers/all-MiniLM-L6-v2")
    folder = HuggingFaceHub(server.endpoint).fetch(entry, models, deadline=Deadline.after(120)).folder
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    model = AutoModel.from_pretrained(folder, local_files_only=True)
    texts = ["A man is eating food.", "A man is eating a piece of bread.", "The girl is carrying a baby."]
    batch = tokenizer(texts, padding=True, return_tensors="pt")
    with torch.inference_mode():
        hidden = model(**batch).last_hidden_state
    mask = batch["attention_mask"][..., None]
    vectors = torch.nn.functional.normalize((hidden * mask).sum(1) / mask.sum(1), dim=1)
    similarities = (vectors @ vectors.T)[0].tolist()
    assert similarities == pytest.approx([1.0, 0.7553, -0.1050], abs=1e-3)

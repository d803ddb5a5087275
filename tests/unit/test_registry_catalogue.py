"""The catalogue as a collection: reading files, finding names, refusing what is none."""

from pathlib import Path
from textwrap import dedent

import pytest

from models_registry.catalogue import (
    AmbiguousModelError,
    CatalogueError,
    InvalidModelNameError,
    UnknownModelError,
    load_catalogue,
)

HEAD = """\
    defaults:
      hub: huggingface
      revision: main
      family: bert
      architecture: encoder
      modality: text
      task_types: [text-classification]
      languages: [en]
      n_parameters: 100
      embedding_width: 4
      n_layers: 1
      forward_flops: 200.0
      flops_unit: token
      weights: {format: safetensors, n_bytes: 400}
      licence: mit
      release_date: 2020-01-01
      sources: [https://example.org/paper]
"""


def _write(folder: Path, models: str, name: str = "bert.yaml") -> Path:
    (folder / name).write_text(dedent(HEAD) + "models:\n" + dedent(models), encoding="utf-8")
    return folder


def test_defaults_hold_for_every_model_that_states_nothing_else(tmp_path: Path) -> None:
    catalogue = load_catalogue(_write(tmp_path, "- id: a/one\n- {id: a/two, licence: apache-2.0}\n"))
    assert [e.licence for e in catalogue] == ["mit", "apache-2.0"]


@pytest.mark.parametrize(
    "part", ["huggingface:a/One@main", "huggingface:a/One", "a/One", "A/ONE", "Number One", "number one"]
)
def test_every_part_that_leaves_no_doubt_finds_the_model(tmp_path: Path, part: str) -> None:
    catalogue = load_catalogue(_write(tmp_path, "- {id: a/One, aliases: [Number One]}\n- id: a/Two\n"))
    assert catalogue.get(part).id == "a/One"


def test_a_name_in_two_hubs_is_ambiguous(tmp_path: Path) -> None:
    catalogue = load_catalogue(_write(tmp_path, "- id: a/one\n- {id: a/one, hub: local}\n"))
    with pytest.raises(AmbiguousModelError) as caught:
        catalogue.get("a/one")
    assert caught.value.candidates == ("huggingface:a/one@main", "local:a/one@main")
    assert catalogue.get("local:a/one").hub == "local"


def test_an_unknown_name_is_answered_with_similar_ones(tmp_path: Path) -> None:
    catalogue = load_catalogue(_write(tmp_path, "- id: org/bert-base\n- id: org/zebra\n"))
    with pytest.raises(UnknownModelError) as caught:
        catalogue.get("org/bert-bas")
    assert caught.value.nearest[0] == "huggingface:org/bert-base@main"


@pytest.mark.parametrize(
    "name", ["https://huggingface.co/a/b", "/etc/passwd", "./model", "../model", "a/../b", "a\\b", ""]
)
def test_a_path_or_url_is_no_model_name(tmp_path: Path, name: str) -> None:
    catalogue = load_catalogue(_write(tmp_path, "- id: a/one\n"))
    with pytest.raises(InvalidModelNameError):
        catalogue.get(name)


def test_an_invalid_entry_is_named_with_its_file(tmp_path: Path) -> None:
    _write(tmp_path, "- id: a/one\n- {id: a/two, n_parameters: -1}\n")
    with pytest.raises(CatalogueError) as caught:
        load_catalogue(tmp_path)
    assert (caught.value.file, caught.value.entry) == ("bert.yaml", "a/two")
    assert "n_parameters" in caught.value.reason


def test_an_unknown_field_is_refused(tmp_path: Path) -> None:
    _write(tmp_path, "- {id: a/one, colour: red}\n")
    with pytest.raises(CatalogueError, match="colour"):
        load_catalogue(tmp_path)


def test_a_model_in_two_files_is_refused(tmp_path: Path) -> None:
    _write(tmp_path, "- id: a/one\n")
    _write(tmp_path, "- {id: a/one, licence: apache-2.0}\n", name="other.yaml")
    with pytest.raises(CatalogueError, match=r"already in bert\.yaml"):
        load_catalogue(tmp_path)


def test_a_field_stated_twice_is_refused(tmp_path: Path) -> None:
    _write(tmp_path, "- {id: a/one, licence: mit, licence: apache-2.0}\n")
    with pytest.raises(CatalogueError, match="'licence' occurs twice"):
        load_catalogue(tmp_path)


@pytest.mark.parametrize("text", ["{", "hello", "models: 3", "defaults: {}\nmodels: []\nmodel: []"])
def test_a_file_that_holds_no_entries_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "bad.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(CatalogueError) as caught:
        load_catalogue(tmp_path)
    assert caught.value.file == "bad.yaml"


def test_the_version_follows_the_content_and_nothing_else(tmp_path: Path) -> None:
    first = load_catalogue(_write(tmp_path, "- id: a/one\n- id: a/two\n")).version
    reordered = load_catalogue(_write(tmp_path, "- id: a/two\n- id: a/one\n")).version
    changed = load_catalogue(_write(tmp_path, "- id: a/two\n- {id: a/one, n_layers: 2}\n")).version
    assert first == reordered != changed
    assert len(first) == 12


def test_the_shipped_catalogue_is_sorted_by_name() -> None:
    names = [entry.name for entry in load_catalogue()]
    assert names == sorted(names)

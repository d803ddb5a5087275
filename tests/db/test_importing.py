"""`advisor import`: once, in chunks, going on where it was, with a report; on a migrated database."""

import csv
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy.orm import Session
from typer.testing import CliRunner

from app.cli import app
from app.db import Database
from app.migrations import upgrade
from benchmarks.external import importing
from benchmarks.external.importing import ImportOutcome, import_figures
from benchmarks.importers.reading import RefusalReason
from benchmarks.repository import FigureRepository
from tests.import_speed.corpus import write_corpus

N_ROWS = 400


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    url = f"sqlite:///{tmp_path / 'data' / 'advisor.db'}"
    (tmp_path / "data").mkdir()
    upgrade(url)
    opened = Database(url)
    yield opened
    opened.close()


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    path = tmp_path / "corpus.csv"
    write_corpus(path, N_ROWS)
    return path


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "CHUNK", 50)


def run(database: Database, path: Path, source: str = "modellens") -> ImportOutcome:
    return import_figures(source, path, read=database.read, write=database.write)


def stored(database: Database) -> set[tuple[str, str, str, float]]:
    with database.read() as session:
        return {
            (f.model, f.benchmark, f.metric, f.value) for f in FigureRepository(session).published_cells()
        }


def described(database: Database) -> set[str]:
    with database.read() as session:
        return {b.name for b in FigureRepository(session).benchmarks()}


def test_every_record_is_stored_or_refused(database: Database, corpus: Path) -> None:
    outcome = run(database, corpus)
    assert outcome.n_read == N_ROWS
    assert outcome.n_inserted + outcome.n_unchanged + outcome.refused.total() == N_ROWS
    assert outcome.n_inserted == len(stored(database))
    assert set(outcome.refused) == {RefusalReason.UNKNOWN_METRIC, RefusalReason.NO_TASK_TYPE}
    assert {benchmark for _, benchmark, _, _ in stored(database)} == described(database)


def test_the_same_file_adds_nothing_the_second_time(database: Database, corpus: Path) -> None:
    run(database, corpus)
    before = stored(database)
    again = run(database, corpus)
    assert (again.n_inserted, again.n_resumed, again.n_read) == (0, N_ROWS, N_ROWS)
    assert stored(database) == before


def test_a_longer_file_adds_only_what_is_new(database: Database, corpus: Path) -> None:
    first = run(database, corpus)
    rows = corpus.read_text(encoding="utf-8")
    corpus.write_text(rows + "token-classification,dataset-2,me/new,F1,0.5,\n", encoding="utf-8")
    second = run(database, corpus)
    assert (second.n_inserted, second.n_unchanged) == (1, first.n_inserted + first.n_unchanged)


def test_an_interrupted_import_goes_on_where_it_was(database: Database, corpus: Path, tmp_path: Path) -> None:
    turns = iter(range(100))

    @contextmanager
    def write() -> Iterator[Session]:
        with database.write() as session:
            yield session
            if next(turns) == 3:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_figures("modellens", corpus, read=database.read, write=write)
    partly = stored(database)
    outcome = run(database, corpus)
    assert outcome.n_resumed == 3 * 50  # the chunk that was interrupted is not in the database
    assert outcome.n_read == N_ROWS

    whole = Database(f"sqlite:///{tmp_path / 'whole.db'}")
    upgrade(str(whole.url))
    run(whole, corpus)
    assert partly < stored(database) == stored(whole)
    assert described(database) == described(whole)
    whole.close()


def test_progress_is_told_with_the_number_of_records(database: Database, corpus: Path) -> None:
    told: list[tuple[int, int | None]] = []
    import_figures(
        "modellens",
        corpus,
        read=database.read,
        write=database.write,
        on_progress=lambda done, total: told.append((done, total)),
    )
    assert told == [(done, N_ROWS) for done in range(0, N_ROWS + 1, 50)]


def invoke(*arguments: str | Path, data: Path) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["import", *map(str, arguments), "--data", str(data)])
    return result.exit_code, result.stdout, result.stderr


def test_the_command_prints_its_outcome_as_json(corpus: Path, tmp_path: Path) -> None:
    code, out, _ = invoke("modellens", corpus, "--json", data=tmp_path)
    document = json.loads(out)
    assert code == 0
    assert document["read"] == N_ROWS
    assert {r["reason"] for r in document["refused"]} == {"unknown metric", "no task type"}
    assert all(len(r["examples"]) <= 3 for r in document["refused"])


def test_the_command_writes_every_refusal(corpus: Path, tmp_path: Path) -> None:
    report = tmp_path / "refused.csv"
    _, out, _ = invoke("modellens", corpus, "--json", "--report", report, data=tmp_path)
    with report.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert len(rows) == sum(r["count"] for r in json.loads(out)["refused"])
    assert {row["reason"] for row in rows} == {"unknown metric", "no task type"}


def test_the_command_shows_what_was_refused(corpus: Path, tmp_path: Path) -> None:
    code, out, _ = invoke("modellens", corpus, data=tmp_path)
    assert code == 0
    assert "unknown metric" in out


@pytest.mark.parametrize(
    ("source", "content", "code"),
    [
        ("guesswork", "", 2),
        ("csv", "a,b\n1,2\n", 2),
        ("csv", "model,benchmark,metric,value\na/b,nowhere,accuracy,0.5\n", 1),
        ("csv", "model,benchmark,metric,value\n", 0),
    ],
)
def test_the_exit_code_tells_what_can_be_done(tmp_path: Path, source: str, content: str, code: int) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(content, encoding="utf-8")
    assert invoke(source, path, data=tmp_path)[0] == code


def test_a_path_that_does_not_exist_is_told(tmp_path: Path) -> None:
    code, _, error = invoke("csv", tmp_path / "nowhere.csv", data=tmp_path)
    assert code == 2
    assert "no such file" in error

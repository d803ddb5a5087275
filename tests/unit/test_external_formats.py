"""Every format that `advisor import` reads, on small files in its form."""

import gzip
import json
import sqlite3
from pathlib import Path

import pytest

from benchmarks.external import FORMAT_NAMES
from benchmarks.external.formats import FORMATS
from benchmarks.external.record import Record, UnreadableFileError
from benchmarks.figures import Protocol
from benchmarks.importers.reading import Refusal, RefusalReason
from models_registry.vocabulary import TaskType


def write(path: Path, *lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def records(source: str, path: Path) -> list[Record]:
    return [r for r in FORMATS[source](path) if isinstance(r, Record)]


def reasons(source: str, path: Path) -> list[RefusalReason]:
    return [r.reason for r in FORMATS[source](path) if isinstance(r, Refusal)]


def test_every_named_format_has_a_reader() -> None:
    assert tuple(FORMATS) == FORMAT_NAMES


def test_a_plain_table_gives_every_field(tmp_path: Path) -> None:
    path = write(
        tmp_path / "mine.csv",
        "model,benchmark,metric,value,protocol,split,n_test,std_error,source,task",
        "huggingface:a/b,glue-sst2,accuracy,93.1,linear-probe,dev,872,0.8,https://x.org,",
    )
    (found,) = records("csv", path)
    assert found == Record(
        model="a/b",
        is_hub_id=True,
        benchmark="glue-sst2",
        metric="accuracy",
        value="93.1",
        protocol=Protocol.LINEAR_PROBE,
        split="dev",
        n_test=872,
        std_error=0.8,
        source="https://x.org",
    )


def test_damaged_rows_of_a_table_are_refused_one_by_one(tmp_path: Path) -> None:
    path = write(
        tmp_path / "mine.csv",
        "model,benchmark,metric,value,protocol",
        "a/b,x,accuracy,0.9,guessed",
        "a/b,x,accuracy",
        "a/b,x,accuracy,0.8,",
    )
    assert [r.value for r in records("csv", path)] == ["0.8"]
    assert reasons("csv", path) == [RefusalReason.UNREADABLE] * 2


def test_a_table_without_a_needed_column_is_unreadable(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError, match="no column metric"):
        records("csv", write(tmp_path / "mine.csv", "model,benchmark,value", "a,b,1"))


def test_descriptions_with_line_breaks_do_not_break_the_corpus(tmp_path: Path) -> None:
    path = write(
        tmp_path / "corpus.csv",
        "task,dataset,model,metric,value,dataset_desp",
        'image-classification,CIFAR-10,a/b,accuracy,93.1,"ten classes,\n""small"" images"',
        "Few-Shot Image Classification,CIFAR-10,c,accuracy,50,",
    )
    found = records("modellens", path)
    assert [(r.model, r.is_hub_id, r.protocol) for r in found] == [
        ("a/b", True, Protocol.FINE_TUNED),
        ("c", False, Protocol.ZERO_SHOT),
    ]


ARCHIVE = [
    {
        "task": "Image Classification",
        "datasets": [
            {
                "dataset": "CIFAR-10",
                "sota": {
                    "metrics": ["Percentage correct"],
                    "rows": [
                        {
                            "model_name": "ViT-H/14",
                            "metrics": {"Top 1 Accuracy": "99.5", "PARAMS": "632M", "Empty": None},
                            "paper_url": "https://arxiv.org/abs/2010.11929",
                            "paper_date": "2020-10-22",
                        }
                    ],
                },
                "subdatasets": [{"dataset": "40 labels", "sota": {"rows": []}}],
            }
        ],
        "subtasks": [
            {
                "task": "Zero-Shot Image Classification",
                "datasets": [
                    {"dataset": "X", "sota": {"rows": [{"model_name": "m", "metrics": {"Accuracy": 0.5}}]}}
                ],
            }
        ],
    }
]


@pytest.mark.parametrize("is_gzip", [False, True])
def test_the_archive_gives_tasks_and_subtasks(tmp_path: Path, is_gzip: bool) -> None:
    text = json.dumps(ARCHIVE).encode()
    path = tmp_path / "evaluation-tables.json"
    path.write_bytes(gzip.compress(text) if is_gzip else text)
    found = records("papers-with-code", path)
    assert [(r.task, r.benchmark, r.metric, r.value) for r in found] == [
        ("Image Classification", "CIFAR-10", "Top 1 Accuracy", "99.5"),
        ("Image Classification", "CIFAR-10", "PARAMS", "632M"),
        ("Zero-Shot Image Classification", "X", "Accuracy", 0.5),
    ]
    assert found[0].source == "https://arxiv.org/abs/2010.11929"
    assert str(found[0].as_of) == "2020-10-22"
    assert found[2].protocol is Protocol.ZERO_SHOT
    assert reasons("papers-with-code", path) == [RefusalReason.NO_VALUE]


@pytest.mark.parametrize("content", [b'{"a": 1}', b"[1, 2]", b'[{"task": "x"', gzip.compress(b"[" * 99)[:-9]])
def test_what_is_no_archive_is_unreadable(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "evaluation-tables.json"
    path.write_bytes(content)
    if content == b'{"a": 1}':
        assert records("papers-with-code", path) == []  # an object holds no array of tasks
        return
    with pytest.raises(UnreadableFileError):
        records("papers-with-code", path)


CARD = (
    "---",
    "language: en",
    "model-index:",
    "- name: my-model",
    "  results:",
    "  - task: {type: text-classification}",
    "    dataset: {name: GLUE, type: glue, config: sst2, split: validation}",
    "    metrics:",
    "    - {type: accuracy, value: 0.93}",
    "    - {type: loss, value: 0.2}",
    "  - task: {type: text-generation}",
    "    dataset: {name: MMLU, type: mmlu, args: {num_few_shot: 5}}",
    "    metrics:",
    "    - {type: acc, value: 61.2}",
    "  - task: {type: Classification}",
    "    dataset: {name: MTEB Banking77, type: mteb/banking77, split: test}",
    "    metrics:",
    "    - {type: accuracy, value: 80.1}",
    "---",
    "# A model",
)


def test_a_card_gives_the_results_of_its_model_index(tmp_path: Path) -> None:
    write(tmp_path / "owner" / "my-model" / "README.md", *CARD)
    found = records("model-card", tmp_path)
    assert {(r.model, r.is_hub_id, r.source) for r in found} == {
        ("owner/my-model", True, "https://huggingface.co/owner/my-model")
    }
    assert [(r.benchmark, r.metric, r.value, r.split) for r in found] == [
        ("glue/sst2", "accuracy", 0.93, "validation"),
        ("glue/sst2", "loss", 0.2, "validation"),
        ("mmlu", "acc", 61.2, "test"),
        ("MTEB Banking77", "accuracy", 80.1, "test"),
    ]
    assert [r.protocol for r in found[1:]] == [
        Protocol.FINE_TUNED,
        Protocol.ZERO_SHOT,
        Protocol.LINEAR_PROBE,
    ]


def test_a_single_card_is_named_by_its_index(tmp_path: Path) -> None:
    path = write(tmp_path / "README.md", *CARD)
    assert {r.model for r in records("model-card", path)} == {"my-model"}


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (("# no front matter",), RefusalReason.NO_VALUE),
        (("---", "language: [en", "---"), RefusalReason.UNREADABLE),
    ],
)
def test_a_card_without_results_is_refused(
    tmp_path: Path, lines: tuple[str, ...], reason: RefusalReason
) -> None:
    assert reasons("model-card", write(tmp_path / "README.md", *lines)) == [reason]


def scores(
    folder: Path, task: str, split: str = "test", subset: str = "default", score: object = 0.8
) -> None:
    row = {"hf_subset": subset, "languages": ["deu-Latn"], "main_score": score}
    document = {"task_name": task, "scores": {split: [row]}}
    path = folder / "intfloat__e5-base" / ("0" * 40) / f"{task}.json"
    write(path, json.dumps(document))


def test_mteb_results_tell_model_task_and_language(tmp_path: Path) -> None:
    scores(tmp_path, "Banking77Classification")
    scores(tmp_path, "GermanSTSBenchmark", split="validation", subset="de")
    scores(tmp_path, "ArxivClusteringP2P")
    scores(tmp_path, "TNews")
    found = records("mteb", tmp_path)
    assert [(r.model, r.benchmark, r.metric, r.protocol, r.split) for r in found] == [
        ("intfloat/e5-base", "Banking77Classification", "accuracy", Protocol.LINEAR_PROBE, "test"),
        ("intfloat/e5-base", "GermanSTSBenchmark/de", "spearmanr", Protocol.ZERO_SHOT, "dev"),
    ]
    assert found[1].languages == ("de",)
    assert found[1].task_type is TaskType.SENTENCE_SIMILARITY
    assert reasons("mteb", tmp_path) == [RefusalReason.NO_TASK_TYPE, RefusalReason.SUSPECT]


def test_a_broken_mteb_result_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "a__b" / "external" / "X.json", "[1]")
    assert reasons("mteb", tmp_path) == [RefusalReason.UNREADABLE]


def test_a_table_of_timm_is_told_by_its_name(tmp_path: Path) -> None:
    path = write(tmp_path / "results-imagenet-a.csv", "model,img_size,top1", "resnet50.a1_in1k,224,12.5")
    (found,) = records("timm", path)
    assert (found.model, found.suite, found.benchmark, found.value, found.is_scaled) == (
        "timm/resnet50.a1_in1k",
        "imagenet",
        "imagenet-a",
        0.125,
        True,
    )
    with pytest.raises(UnreadableFileError, match="tells the test set"):
        records("timm", write(tmp_path / "mine.csv", "model,top1", "m,1"))


def test_a_table_of_open_clip_is_told_by_its_columns(tmp_path: Path) -> None:
    path = write(tmp_path / "openclip_results.csv", "name,pretrained,ImageNet 1k", "ViT-B-32,openai,0.63")
    (found,) = records("open-clip", path)
    assert (found.model, found.naming, found.benchmark) == ("ViT-B-32|openai", "open-clip", "ImageNet 1k")
    with pytest.raises(UnreadableFileError, match="name and pretrained"):
        records("open-clip", write(tmp_path / "mine.csv", "a,b", "1,2"))


def test_a_board_of_euroeval_is_told_by_its_second_row(tmp_path: Path) -> None:
    row = "<a href='https://hf.co/a/b'>a/b</a>,🔍,50.00 ± 1.96 / 60.00 ± 1.00@@50.00,v"
    path = write(tmp_path / "danish_nlu.csv", ",,,", "Model,Type,<a>scala_da</a>,scala_da_version", row)
    (found,) = records("euroeval", path)
    assert (found.model, found.benchmark, found.protocol) == ("a/b", "scala_da", Protocol.FEW_SHOT_TUNED)
    with pytest.raises(UnreadableFileError, match="second row"):
        records("euroeval", write(tmp_path / "mine.csv", "a,b", "1,2"))


PARAMS = {"model_name_or_path": "roberta-base", "dataset": "imdb", "task": "text-classification"}
METRICS = {"eval_accuracy": 0.93, "train_accuracy": 0.99, "eval_loss": 0.2}
EXPECTED = [("imdb", "accuracy", 0.93, "dev"), ("imdb", "eval_loss", 0.2, "dev")]


def of_runs(path: Path) -> list[tuple[str, str, str | float, str]]:
    assert reasons("mlflow", path).count(RefusalReason.NOT_COMPARABLE) == 1
    found = records("mlflow", path)
    assert {(r.model, r.task) for r in found} == {("roberta-base", "text-classification")}
    return [(r.benchmark, r.metric, r.value, r.split) for r in found]


def test_runs_of_a_file_store(tmp_path: Path) -> None:
    run = tmp_path / "mlruns" / "0" / "abc"
    write(run / "meta.yaml", "run_id: abc", "status: 3")
    for key, value in PARAMS.items():
        (run / "params").mkdir(exist_ok=True)
        (run / "params" / key).write_text(value, encoding="utf-8")
    for key, number in METRICS.items():
        write(run / "metrics" / key, "1700000000000 0.1 1", f"1700000001000 {number} 2")
    assert sorted(of_runs(tmp_path)) == EXPECTED


def test_runs_of_a_sqlite_store(tmp_path: Path) -> None:
    path = tmp_path / "mlflow.db"
    with sqlite3.connect(path) as store:
        store.execute("CREATE TABLE runs (run_uuid TEXT, status TEXT)")
        store.execute("CREATE TABLE tags (key TEXT, value TEXT, run_uuid TEXT)")
        store.execute("CREATE TABLE params (key TEXT, value TEXT, run_uuid TEXT)")
        store.execute("CREATE TABLE latest_metrics (key TEXT, value REAL, run_uuid TEXT)")
        store.executemany("INSERT INTO runs VALUES (?, ?)", [("abc", "FINISHED"), ("def", "FAILED")])
        store.executemany("INSERT INTO params VALUES (?, ?, 'abc')", PARAMS.items())
        store.executemany("INSERT INTO latest_metrics VALUES (?, ?, 'abc')", METRICS.items())
    store.close()
    assert sorted(of_runs(path)) == EXPECTED


def test_runs_exported_as_csv(tmp_path: Path) -> None:
    columns = ["run_id", "status", *(f"params.{k}" for k in PARAMS), *(f"metrics.{k}" for k in METRICS)]
    cells = ["abc", "FINISHED", *PARAMS.values(), *map(str, METRICS.values())]
    unnamed = ["def", "FINISHED", "", "imdb", "", "0.5", "0.5", "0.5"]
    path = write(tmp_path / "runs.csv", ",".join(columns), ",".join(cells), ",".join(unnamed))
    assert sorted(of_runs(path)) == EXPECTED
    assert RefusalReason.NO_MODEL in reasons("mlflow", path)


@pytest.mark.parametrize("source", ["model-card", "mteb", "mlflow"])
def test_an_empty_folder_is_unreadable(tmp_path: Path, source: str) -> None:
    with pytest.raises(UnreadableFileError):
        records(source, tmp_path)

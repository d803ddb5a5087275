"""Each source's own traps, on tables of a few rows in the source's form."""

import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import pytest

from benchmarks.figures import Protocol
from benchmarks.importers import (
    chinese_bert_wwm,
    clue,
    cross_lingual,
    euroeval,
    glue,
    lexglue,
    model_recycling,
    mteb,
    sfda,
    summarization,
    superb,
    text_classics,
    textattack,
    torchvision,
    transfergraph,
    vtab,
)
from benchmarks.importers.build import main
from benchmarks.importers.reading import Reading, Refusal, RefusalReason

Read = Callable[[Path], Iterator[Reading | Refusal]]
GLUE_HEADER = "model,task,metric,split,value,as_written,source,file"


def write(folder: Path, name: str, *lines: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def about(value: float) -> float:
    """Equal to a float that went through a division."""
    return cast("float", pytest.approx(value))


def accepted(read: Read, folder: Path) -> list[Reading]:
    return [r for r in read(folder) if isinstance(r, Reading)]


def reasons(read: Read, folder: Path) -> list[RefusalReason]:
    return [r.reason for r in read(folder) if isinstance(r, Refusal)]


@pytest.fixture
def glue_folder(tmp_path: Path) -> Path:
    write(tmp_path, "readme_google_bert/03_bert.csv", "Model,SQUAD 1.1 F1/EM,Multi NLI Accuracy")
    write(
        tmp_path,
        "readme_xlnet/01_results_on_reading_comprehension.csv",
        "Model,RACE accuracy,SQuAD1.1 EM,SQuAD2.0 EM",
    )
    write(tmp_path, "readme_fairseq/05_examples_bart__results.csv", "Model,SQuAD 1.1 EM/F1,SQuAD 2.0 EM/F1")
    return tmp_path


def compiled(folder: Path, *lines: str) -> Path:
    write(folder, "glue_compiled/glue_squad_compiled.csv", GLUE_HEADER, *lines)
    return folder


@pytest.mark.parametrize(
    ("line", "metric", "value"),
    [
        ("BERT-Tiny,qqp,acc,test,62.2,62.2/83.4,x,readme_google_bert/02_bert.csv", "accuracy", 0.834),
        ("BERT-Tiny,mrpc,f1,test,81.1,81.1/71.1,x,readme_google_bert/02_bert.csv", "accuracy", 0.711),
        ("BERT-Tiny,stsb,corr,test,74.3,74.3/73.6,x,readme_google_bert/02_bert.csv", "spearmanr", 0.736),
        ("ELECTRA-Base,stsb,corr,dev,91.2,91.2,x,readme_electra/02_expected_results.csv", "spearmanr", 0.912),
        ("bert-base-cased,mrpc,acc,dev,84.07,88.85/84.07,x,(transcribed)", "accuracy", 0.8407),
        ("bert-base-cased,qqp,acc,dev,90.71,90.71/87.49,x,(transcribed)", "accuracy", 0.9071),
        (
            "ELECTRA-Base,squad1,em,dev,,86.8,x,readme_electra/02_expected_results.csv",
            "exact_match",
            0.868,
        ),
    ],
)
def test_the_right_half_of_a_pair_is_read(glue_folder: Path, line: str, metric: str, value: float) -> None:
    (reading,) = accepted(glue.read, compiled(glue_folder, line))
    assert (reading.metric, reading.value) == (metric, about(value))


def test_f1_and_exact_match_are_two_readings(glue_folder: Path) -> None:
    line = "ALBERT-base V2,squad1,f1,dev,90.2,90.2/83.2,x,readme_albert/01_table.csv"
    found = accepted(glue.read, compiled(glue_folder, line))
    assert [(r.metric, r.value) for r in found] == [
        ("token_f1", about(0.902)),
        ("exact_match", about(0.832)),
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("RoBERTa-large,qnli,acc,dev,94.7,94.7,x,readme_albert/02_table.csv", RefusalReason.QUOTED),
        ("roberta-base,mrpc,f1 or acc (paper),dev,90.2,90.2,x,model_selection_nlp_glue/finetune_glue.csv",
         RefusalReason.METRIC_UNSTATED),
        ("ALBERT (1.5M),stsb,corr,dev,93.0,93.0,x,readme_albert/02_table.csv", RefusalReason.METRIC_UNSTATED),
        ("bert-base-cased,wnli,acc,dev,56.34,56.34,x,(transcribed)", RefusalReason.SUSPECT),
        ("DeBERTa-Large1,rte,acc,dev,91.0,91.0,x,readme_deberta/03_fine_tuning_on_nlu_tasks.csv",
         RefusalReason.NOT_COMPARABLE),
    ],
)  # fmt: skip
def test_doubtful_rows_are_refused(glue_folder: Path, line: str, reason: RefusalReason) -> None:
    assert reasons(glue.read, compiled(glue_folder, line)) == [reason]


def test_error_rates_become_accuracies(tmp_path: Path) -> None:
    write(tmp_path, "readme_xlnet/02_results_on_text_classification.csv", "Model,IMDB", "XLNet-Large,3.79")
    (reading,) = accepted(text_classics.read, tmp_path)
    assert reading.value == about(0.9621)


def test_copied_figures_of_the_zoo_are_refused(tmp_path: Path) -> None:
    write(
        tmp_path,
        "textattack_zoo/model_zoo_scores.csv",
        "architecture,model,dataset,source,split,metric,value",
        "distilbert,distilbert-base-uncased-stsb,STS-b,glue/stsb,validation,Spearman correlation,0.8",
        "roberta-base,roberta-base-imdb,IMDB,imdb,test,Accuracy,94.1",
    )
    assert reasons(textattack.read, tmp_path) == [RefusalReason.SUSPECT]
    (reading,) = accepted(textattack.read, tmp_path)
    assert (reading.value, reading.n_test) == (about(0.941), 1000)


def test_the_mean_is_read_rather_than_the_best_run(tmp_path: Path) -> None:
    base = "readme_chinese_bert_wwm"
    tables = {**chinese_bert_wwm._ANSWERS, **chinese_bert_wwm._LABELS}
    for name in tables:
        write(tmp_path, f"{base}/{name}.csv", "Model,Development,Test")
    write(
        tmp_path, f"{base}/02_readme_en__cmrc_2018.csv", "Model,Challenge", "BERT,18.6 (17.0) / 43.3 (41.3)"
    )
    found = accepted(chinese_bert_wwm.read, tmp_path)
    assert [(r.benchmark, r.metric, r.value) for r in found] == [
        ("cmrc-2018-challenge", "exact_match", about(0.17)),
        ("cmrc-2018-challenge", "token_f1", about(0.413)),
    ]


def test_exact_match_stands_first_in_the_cmrc_column(tmp_path: Path) -> None:
    for name in (*clue._ACCURACY_TABLES, *clue._READING_TABLES):
        write(tmp_path, f"readme_clue/{name}", "模型,dev,test,训练参数")
    write(
        tmp_path,
        "readme_clue/14_baselines_paddlenlp__clue.csv",
        "Arch,Model,AVG,AFQMC,CMRC2018,C 3",
        "12L768H,BERT-Base-Chinese,72.57,74.63,65.30/86.53,65.38",
    )
    found = {(r.benchmark, r.metric): r.value for r in accepted(clue.read, tmp_path)}
    assert found == {
        ("AFQMC", "accuracy"): about(0.7463),
        ("CMRC2018", "token_f1"): about(0.8653),
        ("CMRC2018", "exact_match"): about(0.6530),
        ("C3", "accuracy"): about(0.6538),
    }


def test_sizes_tell_namesakes_of_lexglue_apart(tmp_path: Path) -> None:
    for name in lexglue._TABLES:
        write(
            tmp_path, f"readme_lexglue/{name}", "Dataset,SCOTUS", "Model,μ-F1 / m-F1", "RoBERTa,75.5 / 66.3"
        )
    assert [r.model for r in accepted(lexglue.read, tmp_path)][::2] == [
        "RoBERTa (Large)",
        "RoBERTa",
        "RoBERTa (Small)",
    ]


def test_repeated_runs_become_a_mean_with_its_standard_error(tmp_path: Path) -> None:
    header = "\tdataset name\taccuracy\tloss\tspearmanr\tstage\tdir"
    for name in model_recycling._BASES:
        write(tmp_path, f"model_recycling/models_results_{name}_pretrain.csv", header)
    runs = ["0\tsst2\t0.92\t\t\t0\t", "1\tsst2\t0.94\t\t\t1\t"]
    write(tmp_path, "model_recycling/models_results_roberta_base_pretrain.csv", header, *runs)
    write(tmp_path, "model_recycling/models_tested.csv", "model_name,mnli_lp,cola")
    (reading,) = accepted(model_recycling.read, tmp_path)
    assert (reading.model, reading.value) == ("roberta-base", about(0.93))
    assert reading.std_error == about(0.01)


def recycled(folder: Path, mnli_lp: float, *models: list[float]) -> Path:
    """Figures of models in the source's order, beside base models without runs."""
    for name in model_recycling._BASES:
        write(folder, f"model_recycling/models_results_{name}_pretrain.csv", "\tdataset name\taccuracy")
    header = ",".join(("model_name", "mnli_lp", *model_recycling.N_TEST))
    lines = [f"a/b{i},{mnli_lp},{','.join(map(repr, row))}" for i, row in enumerate(models)]
    write(folder, "model_recycling/models_tested.csv", header, *lines)
    return folder


def counted(seed: int = 0) -> list[float]:
    """One figure a data set, each a count over its test set; the correlation is no count of any."""
    return [0.8123456789 if n is None else ((7 * n + 11 * seed) // 10 - i) / n
            for i, n in enumerate(model_recycling.N_TEST.values())]  # fmt: skip


def test_figures_that_slid_into_earlier_columns_are_put_back(tmp_path: Path) -> None:
    row = counted()
    missing = list(model_recycling.N_TEST).index("qnli")
    slid = [*row[:missing], *row[missing + 1 :], row[-1]]
    found = {r.benchmark: r.value for r in accepted(model_recycling.read, recycled(tmp_path, 0.5, slid))}
    truth = dict(zip(model_recycling.N_TEST, row, strict=True))
    assert "qnli" not in found
    assert {task: found[task] for task in ("imdb", "rte", "esnli", "anli")} == {
        task: truth[task] for task in ("imdb", "rte", "esnli", "anli")
    }


def test_a_row_put_back_is_refused_where_it_would_beat_every_other_by_far(tmp_path: Path) -> None:
    row = counted()
    tasks = list(model_recycling.N_TEST)
    missing, imdb = tasks.index("qnli"), tasks.index("imdb")
    slid = [*row[:missing], *row[missing + 1 :], row[-1]]
    better = [0.95 if i == imdb else v for i, v in enumerate(slid)]
    others = [counted(seed) for seed in (0, 1)]
    folder = recycled(tmp_path, 0.0, *others, slid, better)
    assert {r.model for r in accepted(model_recycling.read, folder)} == {"a/b0", "a/b1", "a/b2"}


def test_figures_in_their_own_columns_stay_there(tmp_path: Path) -> None:
    found = accepted(model_recycling.read, recycled(tmp_path, 0.5, counted()))
    tuned = [r.value for r in found if r.protocol is Protocol.FINE_TUNED]
    probed = [(r.benchmark, r.value) for r in found if r.protocol is Protocol.LINEAR_PROBE]
    assert (tuned, probed) == (counted(), [("mnli", 0.5)])


def test_a_row_counted_on_other_test_sets_is_refused(tmp_path: Path) -> None:
    halves = [v if n is None else round(v * (n // 2)) / (n // 2 + 1)
              for v, n in zip(counted(), model_recycling.N_TEST.values(), strict=True)]  # fmt: skip
    folder = recycled(tmp_path, 0.0, halves)
    assert accepted(model_recycling.read, folder) == []
    assert reasons(model_recycling.read, folder) == [RefusalReason.SUSPECT, RefusalReason.NOT_COMPARABLE]


SHORT_RUNS = (
    "model_identifier,train_dataset_name,configs,epochs,test_split,train_slice,test_slice,test_accuracy"
)


def test_the_best_learning_rate_of_short_runs_counts(tmp_path: Path) -> None:
    write(tmp_path, "transfergraph/derived_oracle_matrix.csv", "model,svhn", "a/b,0.9")
    write(
        tmp_path,
        "transfergraph/ftrecords_img.csv",
        SHORT_RUNS,
        "a/b,svhn_cropped,{'lr': 0.1},25,test,:800,:100%,0.2",
        "a/b,svhn_cropped,{'lr': 0.01},25,test,:800,:100%,0.7",
        "a/b,cifar100,{'lr': 0.01},25,test,:80%,:100%,0.8",
    )
    found = [(r.suite, r.benchmark, r.value, r.protocol) for r in accepted(transfergraph.read, tmp_path)]
    assert found == [
        ("transfergraph", "svhn", 0.9, Protocol.FINE_TUNED),
        ("transfergraph-vtab", "svhn/800", 0.7, Protocol.FEW_SHOT_TUNED),
        ("transfergraph-vtab", "cifar100/full", 0.8, Protocol.FINE_TUNED),
    ]


@pytest.mark.parametrize(
    ("run", "reason"),
    [
        ("a/b,clevr,{'lr': 0.01; 'preprocess': 'clevr_count'},25,test,:800,:100%,0.0", RefusalReason.SUSPECT),
        ("a/b,kitti,{'lr': 0.01},25,train,:800,:100%,0.9", RefusalReason.NOT_COMPARABLE),
        ("a/b,caltech101,{'lr': 0.01},25,test,:80%,:100%,0.9", RefusalReason.NOT_COMPARABLE),
    ],
)
def test_short_runs_that_do_not_compare_are_refused(tmp_path: Path, run: str, reason: RefusalReason) -> None:
    write(tmp_path, "transfergraph/derived_oracle_matrix.csv", "model,svhn")
    quoted = ",".join(f'"{cell.replace(";", ",")}"' for cell in run.split(","))
    write(tmp_path, "transfergraph/ftrecords_img.csv", SHORT_RUNS, quoted)
    assert reasons(transfergraph.read, tmp_path) == [reason]


def board(folder: Path, *shown: str, kind: str = "🧠", score: str = "50.00 ± 1.96") -> Path:
    """A leaderboard of one task; a name's first word is its id on the Hub."""
    rows = [
        f"<a href='https://hf.co/{s.split(' ')[0]}'>{s}</a>,{kind},{score} / 60.00 ± 1.00@@50.00,v"
        for s in shown
    ]
    write(folder, "euroeval/danish_nlu.csv", ",,,", "Model,Type,<a>scala_da</a>,scala_da_version", *rows)
    return folder


def test_a_language_model_is_measured_without_training(tmp_path: Path) -> None:
    (reading,) = accepted(euroeval.read, board(tmp_path, "a/b"))
    assert (reading.protocol, reading.split) == (Protocol.ZERO_SHOT, "test")
    assert (reading.value, reading.std_error) == (about(0.5), about(0.01))


def test_validation_figures_count_only_where_there_are_no_test_figures(tmp_path: Path) -> None:
    folder = board(tmp_path, "a/b", "a/b (val)", "c/d (val)", "e/f (zero-shot)")
    assert [(r.model, r.split) for r in accepted(euroeval.read, folder)] == [("a/b", "test"), ("c/d", "dev")]
    assert reasons(euroeval.read, folder) == [RefusalReason.NOT_COMPARABLE] * 2


def test_a_confidence_interval_becomes_a_standard_error(tmp_path: Path) -> None:
    folder = board(tmp_path, "a/b", kind="🔍", score="-1.85 ± 1.96")
    (reading,) = accepted(euroeval.read, folder)
    assert (reading.metric, reading.protocol) == ("matthews_correlation", Protocol.FEW_SHOT_TUNED)
    assert (reading.value, reading.std_error) == (about(-0.0185), about(0.01))


@pytest.mark.parametrize(
    ("model", "revision", "task", "split", "reason"),
    [
        ("openai/text-embedding-3-small", "external", "STS12", "test", RefusalReason.CLOSED_WEIGHTS),
        ("intfloat/e5-base", "1", "STS12", "test", RefusalReason.UNPINNED),
        ("intfloat/e5-base", "external", "TNews", "test", RefusalReason.SUSPECT),
    ],
)
def test_mteb_rows_that_nobody_can_use_are_refused(
    tmp_path: Path, model: str, revision: str, task: str, split: str, reason: RefusalReason
) -> None:
    header = "model,revision,task,split,subset,main_score"
    line = f"{model},{revision},{task},{split},default,0.5"
    write(tmp_path, "mteb/mteb_subset_long.csv", header, line)
    assert reasons(mteb.read, tmp_path) == [reason]


@pytest.mark.parametrize(
    ("task", "protocol"),
    [("Banking77Classification", Protocol.LINEAR_PROBE), ("STS12", Protocol.ZERO_SHOT)],
)
def test_mteb_trains_a_head_where_there_are_labels(tmp_path: Path, task: str, protocol: Protocol) -> None:
    header = "model,revision,task,split,subset,main_score"
    write(tmp_path, "mteb/mteb_subset_long.csv", header, f"a/b,external,{task},test,default,0.5")
    assert [r.protocol for r in accepted(mteb.read, tmp_path)] == [protocol]


def test_an_unstated_metric_is_refused(tmp_path: Path) -> None:
    for name in sfda._GROUPS:
        write(tmp_path, f"sfda/{name}", "model,cifar10,voc2007", "resnet50,96.28,85.8")
    assert reasons(sfda.read, tmp_path) == [RefusalReason.METRIC_UNSTATED] * 2
    assert [r.value for r in accepted(sfda.read, tmp_path)] == [about(0.9628)] * 2


def test_a_collapsed_run_of_vtab_is_refused(tmp_path: Path) -> None:
    write(
        tmp_path,
        "vtab/results.csv",
        "train_examples_if_subset,1000,full,metadata",
        "dataset,Caltech101,Caltech101,model",
        "method,,,",
        "Sup-100%,90.9,0.148,https://example.org",
    )
    path = tmp_path / "vtab" / "results.csv"
    rows = [line.split(",") for line in path.read_text(encoding="utf-8").splitlines()]
    padded = [row[:3] + [row[2]] * 36 + row[3:] for row in rows]
    path.write_text("\n".join(",".join(row) for row in padded), encoding="utf-8")
    (reading,) = accepted(vtab.read, tmp_path)
    assert (reading.model, reading.protocol) == ("Sup-100-ResNet50", Protocol.FEW_SHOT_TUNED)
    assert set(reasons(vtab.read, tmp_path)) == {RefusalReason.SUSPECT}


def test_word_error_rates_are_read_as_fractions(tmp_path: Path) -> None:
    entry = {"submitName": "HuBERT Base", "ASR_wer_public": 6.42, "KS_acc_public": "-"}
    write(tmp_path, "superb_speech/public.json", json.dumps({"leaderboard": [entry]}))
    (reading,) = accepted(superb.read, tmp_path)
    assert (reading.metric, reading.value) == ("wer", about(0.0642))
    assert reading.protocol is Protocol.FROZEN_HEAD


def test_cells_with_another_tokenisation_are_refused(tmp_path: Path) -> None:
    write(
        tmp_path,
        "readme_pegasus/01_results_update.csv",
        "dataset,C4,Mixed & Stochastic",
        "wikihow,43.07/19.70/34.79,46.39/22.12/38.41 *",
    )
    write(tmp_path, "readme_fairseq/06_examples_bart__results.csv", "Model,R1,R2,RL")
    for name in summarization._MINILM_TABLES:
        write(tmp_path, f"readme_unilm/{name}", "Model,#Param,ROUGE-1,ROUGE-2,ROUGE-L")
    assert reasons(summarization.read, tmp_path) == [RefusalReason.NOT_COMPARABLE]
    assert [r.metric for r in accepted(summarization.read, tmp_path)] == ["rouge1", "rouge2", "rougeL"]


def test_misaligned_rows_of_mlqa_are_refused(tmp_path: Path) -> None:
    xnli, mlqa = ",".join(cross_lingual._XNLI), ",".join(cross_lingual._MLQA)
    write(tmp_path, "readme_google_bert/06_multilingual__results.csv", "System,English,Chinese")
    write(tmp_path, "readme_deberta/04_fine_tuning_on_xnli.csv", f"Model,{xnli}")
    write(tmp_path, "readme_unilm/54_minilm__cross_lingual_natural_language_inference.csv", f"Model,{xnli}")
    write(
        tmp_path,
        "readme_unilm/55_minilm__cross_lingual_question_answering_mlqa.csv",
        f"Model F1 Score,{mlqa}",
    )
    write(tmp_path, "readme_fairseq/31_examples_xlmr__results.csv", f"Model,{xnli}")
    cells = ",".join(["80.6 / 67.8"] * len(cross_lingual._MLQA))
    write(
        tmp_path,
        "readme_fairseq/32_examples_xlmr__results.csv",
        f"Model,{mlqa}",
        f"xlmr.large,{cells}",
        f"xlmr.xl,{cells}",
    )
    assert {r.model for r in accepted(cross_lingual.read, tmp_path)} == {"xlmr.large"}
    assert reasons(cross_lingual.read, tmp_path) == [RefusalReason.SUSPECT]


WEIGHTS = """
class ResNet50_Weights(WeightsEnum):
    IMAGENET1K_V1 = Weights(
        url="u", meta={**_COMMON, "num_params": 25557032, "_metrics": {"ImageNet-1K": {"acc@1": 76.13}}}
    )
    IMAGENET1K_SWAG_LINEAR_V1 = Weights(meta={"num_params": 1, "_metrics": {"ImageNet-1K": {"acc@1": 80.0}}})
    DEFAULT = IMAGENET1K_V1

class Raft_Large_Weights(WeightsEnum):
    C_T_V1 = Weights(meta={"num_params": 2, "_metrics": {"Sintel": {"epe": compute()}}})
"""


def test_the_weights_of_torchvision_are_read_without_running_them(tmp_path: Path) -> None:
    wheel = tmp_path / "torchvision-0.0.1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("torchvision/models/resnet.py", WEIGHTS)
        archive.writestr("torchvision/models/quantization/resnet.py", WEIGHTS)
    found = [r for r in torchvision.read(wheel) if isinstance(r, Reading)]
    assert [(r.model, r.benchmark, r.value, r.protocol) for r in found] == [
        ("resnet50.IMAGENET1K_V1", "imagenet-1k", about(0.7613), Protocol.PRETRAINED),
        ("resnet50.IMAGENET1K_SWAG_LINEAR_V1", "imagenet-1k", about(0.8), Protocol.LINEAR_PROBE),
    ]
    sizes = {w.name: w.n_parameters for w in torchvision.weights_in(wheel)}
    assert sizes["resnet50.IMAGENET1K_V1"] == 25_557_032


def test_building_from_no_folder_tells_the_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["/nowhere/at/all"]) == 2
    assert "usage" in capsys.readouterr().err

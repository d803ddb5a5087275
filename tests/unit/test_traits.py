import numpy as np
import pytest

from app.evaluation.measures import Order
from app.ranking.calibration import LEVEL, Surprises
from app.ranking.columns import COMPONENTS, Column, ColumnTable
from app.ranking.described import Described, describe
from app.ranking.prior import fit_prior
from app.ranking.table import build_table
from app.ranking.traits import TRAITS, ModelFeatures, expected, traits
from benchmarks.facts import ModelFacts
from benchmarks.figures import Protocol
from benchmarks.training_sets import task_types
from models_registry.vocabulary import TaskType
from tests.factories import make_benchmark, make_entry, make_figure, make_hyperparameters, numbered


def _column(protocol: Protocol, **changes: object) -> Column:
    return Column.of(make_benchmark("new", **changes), protocol, "accuracy")


def _row(model: Described, column: Column) -> dict[str, float]:
    only = np.zeros(1, dtype=np.intp)
    return dict(zip(TRAITS, traits([model], ColumnTable([column]), only, only)[0].tolist(), strict=True))


@pytest.mark.parametrize(
    ("protocol", "counted"),
    [
        (Protocol.FINE_TUNED, set()),
        (Protocol.FEW_SHOT_TUNED, set()),
        (Protocol.LINEAR_PROBE, {", frozen"}),
        (Protocol.ZERO_SHOT, {", untrained"}),
        (Protocol.PRETRAINED, set()),
    ],
)
def test_what_a_kind_of_model_is_worth_is_learnt_apart_where_nothing_was_trained(
    protocol: Protocol, counted: set[str]
) -> None:
    row = _row(Described.of(make_entry()), _column(protocol))
    assert row["is encoder"] == 1.0
    assert {block for block in (", frozen", ", untrained") if row[f"is encoder{block}"]} == counted


def test_a_model_trained_for_the_same_type_of_task_is_told_from_one_trained_for_another() -> None:
    model = Described.of(make_entry(fine_tuned_on=["imdb"]))
    name = "trained for this task type before"
    assert _row(model, _column(Protocol.FINE_TUNED))[name] == 1.0
    assert _row(model, _column(Protocol.FINE_TUNED, task_type=TaskType.SUMMARIZATION))[name] == 0.0


@pytest.mark.parametrize(
    ("dataset", "found"),
    [
        ("squad-v2", TaskType.QUESTION_ANSWERING),
        ("cnn_dailymail", TaskType.SUMMARIZATION),
        ("CoNLL 2003", TaskType.TOKEN_CLASSIFICATION),
    ],
)
def test_what_a_data_set_teaches_is_read_from_benchmarks_whatever_the_spelling(
    dataset: str, found: TaskType
) -> None:
    assert found in task_types(dataset)


def test_what_a_checkpoint_was_trained_on_those_fine_tuned_from_it_were_too() -> None:
    facts = {
        "org/tuned": ModelFacts(model="org/tuned", base_model="org/middle", fine_tuned_on=("imdb",)),
        "org/middle": ModelFacts(model="org/middle", base_model="huggingface:org/base"),
    }
    base = make_entry("org/base", fine_tuned_on=["squad"])
    known = describe([base], facts)
    assert known["org/tuned"].fine_tuned_on == ("imdb", "squad-v1")
    assert known["org/middle"].fine_tuned_on == ("squad-v1",)
    assert known["huggingface:org/base"].fine_tuned_on == ("squad-v1",)


def test_a_data_set_that_no_benchmark_is_made_of_teaches_nothing_known() -> None:
    assert task_types("made-up-set") == frozenset()


def test_what_is_expected_of_many_models_at_once_is_what_their_traits_give() -> None:
    models = [
        Described.of(make_entry(f"org/m{i}", n_parameters=30_000_000 * (i + 1), fine_tuned_on=on))
        for i, on in enumerate(([], ["imdb"], ["squad"]))
    ]
    columns = ColumnTable(
        [_column(p, languages=("zh",)) for p in (Protocol.FINE_TUNED, Protocol.LINEAR_PROBE)]
        + [_column(Protocol.ZERO_SHOT)]
    )
    beta = np.random.default_rng(0).normal(size=len(TRAITS))
    model, column = np.divmod(np.arange(9), 3)
    rows = traits(models, columns, model, column)
    np.testing.assert_allclose(
        expected(ModelFeatures.of(models), columns, beta), (rows @ beta).reshape(3, 3), atol=1e-12
    )


def test_trained_backbones_are_alike_whether_on_few_examples_or_on_all() -> None:
    columns = ColumnTable(
        [_column(p) for p in (Protocol.FINE_TUNED, Protocol.FEW_SHOT_TUNED, Protocol.LINEAR_PROBE)]
    )
    alike = columns.similarity(columns)
    backbone, protocol = (alike[COMPONENTS.index(name)] for name in ("backbone", "protocol"))
    assert backbone[0].tolist() == [1.0, 1.0, 0.0]
    assert protocol[0].tolist() == [1.0, 0.0, 0.0]


def test_predictions_that_differ_in_rounding_alone_are_tied() -> None:
    true, close = np.array([0.1, 0.3, 0.2]), np.array([0.5, 0.5 - 1e-15, 0.5 + 1e-15])
    order = Order.of(true, close, "accuracy")
    assert np.isnan(order.tau)
    assert order.regret_at_1 == Order.of(true, np.full(3, 0.5), "accuracy").regret_at_1


def test_intervals_hold_over_columns_that_are_each_told_by_the_others() -> None:
    """Columns differ in noise, so that what is smooth in it misses each; together they still hold."""
    rng = np.random.default_rng(3)
    benchmarks = {f"b{j}": make_benchmark(f"b{j}") for j in range(30)}
    quality, noise = rng.normal(size=20), rng.lognormal(-3.5, 1.0, size=30)
    figures = [
        make_figure(
            f"org/m{i}", name, float(np.clip(0.7 + 0.05 * quality[i] + noise[j] * rng.normal(), 0.05, 0.95))
        )
        for i in range(20)
        for j, name in enumerate(benchmarks)
    ]
    prior = fit_prior(build_table(numbered(figures), benchmarks, {}), make_hyperparameters())
    surprises = Surprises.of(prior, prior.hidden_errors())
    held = []
    for c in range(30):
        hidden = np.arange(30) == c
        factor = surprises.calibration(hidden).factor(prior.table.columns.columns[c])
        mine = np.repeat(surprises.numbers, surprises.counts.astype(int)) == c
        held.append(float(np.mean(surprises.errors[mine] <= np.log(factor) / 2.0)))
    assert np.std(held) > 0.1
    assert np.mean(held) == pytest.approx(LEVEL, abs=0.03)

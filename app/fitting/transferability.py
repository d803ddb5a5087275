"""Records what models show before any training: `python -m app.fitting.transferability`.

Every layer of every candidate is pooled over the samples of the recorded fine-tunes, once; estimators are
scored at several sample sizes, on the last layer and on the mean over layers, and some on every layer, of
which the best counts. The pooled vectors stay in the
cache, so that a new estimator costs no second pass. A second start skips what is there.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from app.datasets.examples import Examples
from app.datasets.split import subsample
from app.fitting.candidates import Candidate
from app.fitting.recording import WORK_PATH, Arm, Recorder, choose, recording_parser, say
from app.fitting.stored_sets import LabelledSets
from app.fitting.transferability_scores import (
    HEAD,
    HEAD_ERROR,
    SHIPPED_PATH,
    TransferabilityScore,
    load_transferability,
    place,
    ship_transferability,
)
from app.probes import metrics
from app.probes.backbones import load_backbone
from app.probes.data import Part, TrialData, read_trial_data
from app.probes.features import every_layer, extract_features
from app.probes.sample_size import Sample
from app.probes.tasks.catalogue import probe_task
from app.probes.transferability import ESTIMATORS, UndefinedScoreError
from app.probes.transferability.best_layer import best_of_layers
from app.probes.trial_process import ForkServer

SIZES = (64, 128, 256)
"""Training examples that estimators see, beside all there are."""
LAYERS = ("last", "mean")
BEST = "best"

Layered = NDArray[np.float16]


def pooled(arm: Arm, data: TrialData) -> Layered:
    """Every layer's vectors of training and validation part, shape (n, layers + 1, d)."""
    spec = arm.spec
    path = WORK_PATH / "pooled" / f"{spec.folder.name}.npz"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        backbone = load_backbone(spec.model_folder or Path(), input_prefix=spec.input_prefix)
        tokenized = backbone.tokenize([*data.train.texts, *data.validation.texts], spec.recipe.max_length)
        np.savez(path, vectors=extract_features(backbone, tokenized, reduce=every_layer).astype(np.float16))
    with np.load(path) as kept:
        return np.asarray(kept["vectors"])


def score(arm: Arm, data: TrialData, vectors: Layered, layer: str) -> Iterator[TransferabilityScore]:
    """Every estimator at every sample size, on the last layer or the mean over all."""
    n_train = len(data.train.rows)
    kept = vectors[:, -1] if layer == "last" else vectors.mean(axis=1, dtype=np.float32)
    train = kept[:n_train].astype(np.float32)
    validation = kept[n_train:].astype(np.float32) if layer == "last" else None
    for size in (*(s for s in SIZES if s < n_train), n_train):
        rows = _sample(data.train, size, arm.spec.seed)
        for name, value in _scores(arm, train[rows], data, rows, validation):
            yield TransferabilityScore(
                dataset=arm.dataset,
                model=arm.spec.trial_id,
                seed=arm.spec.seed,
                n_train=n_train,
                n=size,
                layer=layer,
                estimator=name,
                score=round(value, 6),
            )


def score_best(arm: Arm, data: TrialData, vectors: Layered) -> Iterator[TransferabilityScore]:
    """The highest score over layers at every sample size."""
    n_train, spec = len(data.train.rows), arm.spec
    for size in (*(s for s in SIZES if s < n_train), n_train):
        rows, n_classes = _sample(data.train, size, spec.seed), len(data.train.names)
        layers, labels = vectors[rows].astype(np.float32), data.train.labels[rows]
        for name, value in best_of_layers(layers, labels, n_classes=n_classes, seed=spec.seed).items():
            yield TransferabilityScore(
                dataset=arm.dataset,
                model=spec.trial_id,
                seed=spec.seed,
                n_train=n_train,
                n=size,
                layer=BEST,
                estimator=name,
                score=round(value, 6),
            )


def _sample(train: Part, size: int, seed: int) -> NDArray[np.int64]:
    examples = Examples(texts=list(train.texts), labels=train.labels, label_names=train.names)
    return subsample(examples, size, seed)


def _scores(
    arm: Arm,
    features: NDArray[np.float32],
    data: TrialData,
    rows: NDArray[np.int64],
    validation: NDArray[np.float32] | None,
) -> Iterator[tuple[str, float]]:
    """Name and score of each; of the head too where there are features to score it on."""
    spec, labels, task = arm.spec, data.train.labels[rows], probe_task(arm.spec.task_type, data)
    if len(np.unique(labels)) < 2:
        return
    if validation is not None:
        weights, groups = spec.recipe.class_weights, data.train.groups[rows]
        head = task.fit_head(features, labels, groups, seed=spec.seed, weights=weights)
        theirs = data.validation.labels
        predictions = head.classifier.predict(validation)
        yield HEAD, metrics.compute(spec.metric, predictions, theirs)
        yield HEAD_ERROR, metrics.standard_error(spec.metric, predictions, theirs, seed=spec.seed)
        yield "linear_probe", metrics.score(spec.metric, head.out_of_fold, labels)
    for name in ESTIMATORS.keys() - {"linear_probe"}:
        try:
            value = ESTIMATORS[name](features, labels, n_classes=len(data.train.names), seed=spec.seed)
        except UndefinedScoreError:
            continue
        yield name, value


def main() -> int:
    """Scores every candidate on every labelled set, where it is not there yet."""
    parser = recording_parser("Record what models show before any training.", SHIPPED_PATH)
    parser.add_argument("--again", action="store_true", help="score again what is there")
    arguments = parser.parse_args()
    if arguments.tasks is None or arguments.models is None:
        parser.error("--tasks and --models are needed")
    torch.set_num_threads(arguments.threads)
    sample = Sample(n_train=arguments.n_train, n_validation=arguments.n_validation)
    sets = LabelledSets(arguments.tasks, WORK_PATH)
    recorder = Recorder(sets, arguments.models, WORK_PATH / "none.csv", ForkServer(), arguments.threads)
    known = [] if arguments.again else load_transferability(arguments.out)
    done = {(*place(row)[:4], row.layer) for row in known}
    for seed in arguments.seeds:
        for dataset in arguments.datasets:
            for candidate in choose(arguments.only, dataset):
                arm = recorder.prepare(dataset, candidate, sample, seed)
                sample_of = dataset, candidate.id, seed, arm.n_train
                layers = [layer for layer in (*LAYERS, BEST) if (*sample_of, layer) not in done]
                if layers:
                    _record(arm, candidate, layers, arguments.out)
    return 0


def _record(arm: Arm, candidate: Candidate, layers: Sequence[str], out: Path) -> None:
    data = read_trial_data(arm.spec.dataset_folder, arm.spec.split_file)
    vectors = pooled(arm, data)
    rows = [row for layer in layers if layer != BEST for row in score(arm, data, vectors, layer)]
    rows += score_best(arm, data, vectors) if BEST in layers else []
    ship_transferability(rows, out)
    say(f"{arm.dataset:22s} {candidate.id:52s} {len(rows)} scores of {', '.join(layers)}")


if __name__ == "__main__":
    raise SystemExit(main())

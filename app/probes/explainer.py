"""Explains a few predictions of a trained model, by the very files that its user would take away."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, log_softmax, logsumexp

from app.probes import artifact_predict, artifact_predict_images
from app.probes.attribution import shapley_values
from app.probes.data import Part
from app.probes.explanations import N_EXPLAINED, ExplainedPart, Explanation, ExplanationReport
from app.probes.kept_outputs import KeptOutputs
from app.probes.regions import GRID, ImageCells, Mask, TextRegions
from app.tasks.targets import Target
from models_registry.vocabulary import Modality

Array = NDArray[np.float64]
DIGITS = 4


class Explainer:
    """Bound to a trained model and the validation part."""

    def __init__(
        self, artifacts: Path, base: Path, part: Part, target: Target, modality: Modality, seed: int
    ) -> None:
        """Reads the model.

        Args:
            artifacts: What was trained, as it is taken away.
            base: Folder of the weights that it began from.
            part: The validation part.
            target: What is predicted: a class, several or a number.
            modality: Of texts or images.
            seed: Of what is left out.
        """
        self._part, self._target, self._seed = part, target, seed
        self._reads_images = modality is Modality.IMAGE
        if self._reads_images:
            self._images = artifact_predict_images.Classifier(artifacts, base=str(base))
        else:
            self._texts = artifact_predict.Classifier(artifacts, base=str(base))

    def report(self, kept: KeptOutputs, on_done: Callable[[int], None]) -> ExplanationReport:
        """Of the predictions that it errs most on and of those that it is surest of.

        Args:
            kept: What it said of the validation part.
            on_done: Told how many are done.
        """
        items = []
        for place in chosen(errors(kept.outputs, self._part.targets, self._target)):
            items.append(self._explained(place))
            on_done(len(items))
        return ExplanationReport(items=tuple(items))

    def _explained(self, place: int) -> Explanation:
        outputs, n_regions = self._of_image(place) if self._reads_images else self._of_text(place)
        whole = outputs(np.ones((1, n_regions), dtype=bool))[0]
        which = 0 if self._target is Target.NUMBER else int(whole.argmax())

        def value(masks: Mask) -> Array:
            return explained_output(outputs(masks), which, self._target)

        ends = value(np.array([[True] * n_regions, [False] * n_regions]))
        weights = shapley_values(value, n_regions, seed=self._seed)
        return Explanation(
            row=int(self._part.rows[place]),
            predicted=self._named(whole, which),
            true=self._truth(place),
            output=round(float(ends[0]), DIGITS),
            without=round(float(ends[1]), DIGITS),
            parts=() if self._reads_images else tuple(self._parts(place, weights)),
            grid=_rows(weights) if self._reads_images else None,
        )

    def _regions(self, place: int) -> TextRegions:
        pairs = self._part.pairs
        return TextRegions.of(self._part.texts[place], None if pairs is None else pairs[place])

    def _of_text(self, place: int) -> tuple[Callable[[Mask], Array], int]:
        regions = self._regions(place)

        def outputs(masks: Mask) -> Array:
            kept = [regions.kept(mask) for mask in masks]
            texts = [text for text, _ in kept]
            pairs = None if regions.text_pair is None else [second or "" for _, second in kept]
            return np.asarray(self._texts.outputs(texts, pairs).double().numpy())

        return outputs, len(regions.regions)

    def _of_image(self, place: int) -> tuple[Callable[[Mask], Array], int]:
        cells = ImageCells.of(self._part.paths[place])

        def outputs(masks: Mask) -> Array:
            with TemporaryDirectory(dir=Path.cwd()) as folder:
                paths = [Path(folder) / f"{i}.png" for i in range(len(masks))]
                for path, mask in zip(paths, masks, strict=True):
                    cells.written(mask, path)
                return np.asarray(self._images.outputs(paths).double().numpy())

        return outputs, GRID * GRID

    def _parts(self, place: int, weights: Array) -> Iterator[ExplainedPart]:
        for region, weight in zip(self._regions(place).regions, weights, strict=True):
            yield ExplainedPart(
                field=region.field, start=region.start, end=region.end, weight=round(float(weight), DIGITS)
            )

    def _named(self, outputs: Array, which: int) -> str:
        if self._target is Target.NUMBER:
            return f"{outputs[0]:.4g}"
        if self._target is Target.CLASSES:
            return _joined(self._part.names, outputs > 0.0)
        return self._part.names[which]

    def _truth(self, place: int) -> str:
        truth = self._part.targets[place]
        if self._target is Target.NUMBER:
            return f"{truth:.4g}"
        return _joined(self._part.names, truth) if self._target is Target.CLASSES else self._part.names[truth]


def errors(outputs: NDArray[np.floating], targets: NDArray[np.generic], target: Target) -> Array:
    """How far each prediction is off, shape (n,): minus a log-likelihood, or of numbers a distance of ranks.

    Args:
        outputs: Shape (n, K).
        targets: As `app.tasks.targets` has them.
        target: Which kind.
    """
    given = outputs.astype(np.float64)
    if target is Target.CLASS:
        return np.asarray(-log_softmax(given, axis=1)[np.arange(len(given)), targets.astype(np.int64)])
    if target is Target.CLASSES:
        p = np.where(targets.astype(bool), expit(given), expit(-given))
        return np.asarray(-np.log(np.maximum(p, 1e-12)).mean(axis=1))
    # Outputs of numbers are standardised: their ranks are compared, whatever the scale.
    order = given[:, 0].argsort().argsort() - targets.argsort().argsort()
    return np.asarray(np.abs(order), dtype=np.float64)


def chosen(off: Array) -> list[int]:
    """Places of those that are off the furthest, then of those that are off the least, none twice."""
    order, half = np.argsort(-off, kind="stable"), N_EXPLAINED // 2
    most, least = order[:half], order[half:][::-1][:half]
    return [int(place) for place in (*most, *least)]


def explained_output(outputs: Array, which: int, target: Target) -> Array:
    """Log-odds of a class among all, the logit of a label, or the number, shape (m,)."""
    if target is not Target.CLASS:
        return outputs[:, which]
    return np.asarray(outputs[:, which] - logsumexp(np.delete(outputs, which, axis=1), axis=1))


def _rows(weights: Array) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(round(float(w), DIGITS) for w in row) for row in weights.reshape(GRID, GRID))


def _joined(names: Sequence[str], applies: NDArray[np.generic]) -> str:
    return ", ".join(name for name, flag in zip(names, applies, strict=True) if flag)

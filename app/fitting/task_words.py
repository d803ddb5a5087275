r"""Fits what `app.task_profile` learns from descriptions, and writes it as `weights.npz`.

    python -m app.fitting.task_words tests/data/task_descriptions.yaml \
        tests/data/task_descriptions_colloquial.yaml tests/data/task_descriptions_independent.yaml

The model is `app.fitting.task_model`. The temperature minimises the log loss on each labelled file by a model
that has not seen that file: descriptions of other authors are what the reader meets. `--check` prints the
share of types and domains that this cross-validation gets right, file by file, and writes nothing.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from app.fitting.task_examples import Example, all_examples, load_labelled
from app.fitting.task_model import Stored, features_of, fit_examples
from app.task_profile.classifier import NONE, TYPES, WEIGHTS_FILE, Classifier, softmax, unpack
from app.task_profile.domains import read_domain


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """Labelled descriptions with their scores by a model that has not seen their file.

    Attributes:
        file: Name of the file.
        examples: Its descriptions.
        scores: (examples, N_COLUMNS).
        model: The model.
    """

    file: str
    examples: list[Example]
    scores: NDArray[np.float64]
    model: Classifier

    def right_types(self) -> float:
        """Share of the descriptions whose type is acceptable."""
        best = self.scores[:, : NONE + 1].argmax(axis=1)
        return float(np.mean([b in e.types for b, e in zip(best, self.examples, strict=True)]))

    def right_domains(self) -> float:
        """Share of the descriptions with a domain whose domain is acceptable, under the right type."""
        right = [
            read_domain(scores, TYPES[e.types[0]], self.model) in e.domains
            for scores, e in zip(self.scores, self.examples, strict=True)
            if e.domains and e.types != (NONE,)
        ]
        return float(np.mean(right)) if right else float("nan")


def leave_files_out(labelled: Sequence[Path], seed: int) -> list[LeftOut]:
    """Every labelled file, read by a model fitted without it."""
    results = []
    for path in labelled:
        examples = all_examples([other for other in labelled if other != path], seed)
        model = unpack(fit_examples(examples, [features_of(e.text) for e in examples]))
        held = load_labelled(path)
        scores = np.stack([model.scores(features_of(e.text)) for e in held])
        results.append(LeftOut(file=path.name, examples=held, scores=scores, model=model))
    return results


def best_temperature(results: Sequence[LeftOut]) -> float:
    """The temperature that minimises the log loss of the left-out descriptions."""

    def log_loss(log_temperature: float) -> float:
        losses = [
            -np.log(max(1e-9, softmax(scores[: NONE + 1] / np.exp(log_temperature))[list(e.types)].sum()))
            for result in results
            for scores, e in zip(result.scores, result.examples, strict=True)
        ]
        return float(np.mean(losses))

    return float(np.exp(minimize_scalar(log_loss, bounds=(-2.0, 2.0), method="bounded").x))


def fit(labelled: Sequence[Path], seed: int = 0) -> Stored:
    """The whole model, fitted on files of labelled descriptions and on our own."""
    examples = all_examples(labelled, seed)
    stored = fit_examples(examples, [features_of(e.text) for e in examples])
    return stored | {"temperature": np.array(best_temperature(leave_files_out(labelled, seed)))}


def save(stored: Stored, path: Path) -> None:
    """Writes the model where the reader finds it."""
    np.savez_compressed(path, **stored)  # type: ignore[arg-type]


def main() -> None:
    """Fits on the descriptions named on the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("descriptions", type=Path, nargs="+")
    parser.add_argument("--output", type=Path, default=WEIGHTS_FILE)
    parser.add_argument(
        "--check", action="store_true", help="print what is right on files left out, write nothing"
    )
    arguments = parser.parse_args()
    if not arguments.check:
        save(fit(arguments.descriptions), arguments.output)
        return
    results = leave_files_out(arguments.descriptions, seed=0)
    for result in results:
        print(f"{result.file}: types {result.right_types():.3f}, domains {result.right_domains():.3f}")  # noqa: T201
    print(f"temperature {best_temperature(results):.2f}")  # noqa: T201


if __name__ == "__main__":
    main()

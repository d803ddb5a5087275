"""Writes what figures say about the recorded candidates: `python -m app.evaluation.replay.priors`.

The service's own way from figures to a belief, with all figures on the same examples left out before the fit.
To be run again after a set was recorded, or when figures or their prior have changed.
"""

import argparse
import sys
from functools import lru_cache

import numpy as np

from app.evaluation.corpus import shipped_corpus, some_of
from app.fitting.candidates import candidate_entries
from app.fitting.fine_tunes import load_fine_tunes
from app.fitting.labelled_sets import LabelledSet, labelled_sets
from app.fitting.recorded_priors import RecordedPrior, write_priors
from app.ranking.calibration import calibrate
from app.ranking.candidates import CandidateTable
from app.ranking.evidence import EvidenceBase
from app.ranking.fitted import load_hyperparameters
from app.ranking.prior import fit_prior
from app.ranking.target import TUNED, Target
from app.task_profile.profile import TaskProfile
from benchmarks.facts import shipped_facts_version
from benchmarks.seed import shipped_version
from models_registry.vocabulary import Modality, TaskType

N_EXAMPLES = 1_000
"""That a user of a recorded set would have said to have."""


def believe(about: LabelledSet, metric: str, base: EvidenceBase) -> RecordedPrior:
    """The belief over the fine-tunes of all candidates of a base.

    Args:
        about: The set.
        metric: Its own, canonical name.
        base: Fitted without the set.
    """
    profile = TaskProfile(
        task_type=TaskType.TEXT_CLASSIFICATION,
        modality=Modality.TEXT,
        languages=about.languages,
        domain=about.domain,
        metric=metric,
        n_examples=N_EXAMPLES,
        n_classes=about.n_classes,
    )
    entries = base.candidates.entries
    everyone = np.arange(len(entries), dtype=np.intp)
    held = base.belief_about(Target.of(profile), everyone, seed=0)
    return RecordedPrior(models=tuple(e.id for e in entries), belief=held.belief.subset(2 * everyone + TUNED))


@lru_cache(maxsize=1)
def base_without(datasets: frozenset[str]) -> EvidenceBase:
    """Fitted to all shipped figures but those on these data sets; over all recorded candidates."""
    corpus = shipped_corpus()
    keep = np.array([corpus.benchmarks[f.benchmark].dataset not in datasets for f in corpus.figures])
    prior = fit_prior(corpus.table(some_of(corpus.arrays, keep)), load_hyperparameters())
    table = CandidateTable(tuple(candidate_entries().values()))
    return EvidenceBase(prior, table, calibrate(prior, prior.hidden_errors()))


def main() -> int:
    """One belief a recorded set."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    sets, metrics = labelled_sets(), {p.dataset: p.metric_name for p in load_fine_tunes()}
    found = {}
    for name in sorted(
        metrics, key=lambda n: (sorted(sets[n].hides), n)
    ):  # sets that hide the same share a fit
        found[name] = believe(sets[name], metrics[name], base_without(sets[name].hides))
        sys.stderr.write(f"{name}\n")
    write_priors(
        found, f"{load_hyperparameters().version} {shipped_version()[:12]} {shipped_facts_version()[:12]}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())

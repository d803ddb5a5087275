"""Requests share what does not depend on their limits; sharing must not show in the answers."""

import pytest

from app.advice import advise
from app.api.dependencies import Services
from app.api.questions import question_of
from app.api.schemas.recommend import RecommendRequest
from app.documents import answer_json
from app.ranking.candidates import CandidateTable
from app.ranking.evidence import EvidenceBase
from app.ranking.phrases import Language

TASK = {"description": "Sentiment of English movie reviews, two classes"}
BODIES = [
    {"task": TASK, "budget": {"device_memory_gb": 2}},
    {"task": TASK, "constraints": {"max_parameters": 50_000_000}, "weights": {"latency": 0.5}},
    {"task": TASK, "budget": {"device": "NVIDIA T4", "train_hours": 0.1}, "top_k": 30},
]


@pytest.mark.parametrize("body", BODIES)
def test_an_answer_does_not_depend_on_what_was_asked_before(services: Services, body: object) -> None:
    snapshot = services.snapshots.current()
    for other in BODIES:
        _document(other, services, snapshot.base)
    fresh = EvidenceBase(snapshot.base.prior, CandidateTable(snapshot.entries))
    assert _document(body, services, snapshot.base) == _document(body, services, fresh)


def _document(body: object, services: Services, base: EvidenceBase) -> object:
    snapshot = services.snapshots.current()
    request = RecommendRequest.model_validate(body)
    question = question_of(request, naming=snapshot.naming, language=Language.ENGLISH)
    advice = advise(question, base)
    assert advice.ranking
    return answer_json(advice, snapshot.database), advice.exclusions.packed(len(advice.table))

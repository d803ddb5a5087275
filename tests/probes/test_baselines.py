from dataclasses import replace

import numpy as np

from app.probes.baselines import run_baselines
from app.probes.baselines.classes import is_cjk, predict_majority, predict_tfidf
from app.probes.data import Part, TrialData
from app.probes.tasks.text_classification import Classification


def part(texts: list[str], labels: list[int]) -> Part:
    n = len(texts)
    return Part(rows=np.arange(n), texts=texts, labels=np.array(labels), groups=np.arange(n))


def reviews(n: int, words: tuple[str, str], joint: str = " ") -> Part:
    rng = np.random.default_rng(n)
    texts = []
    for i in range(n):
        filler = rng.choice(list("的了是在我有和人这中" if not joint else "uvwxyz"), size=5).tolist()
        texts.append(joint.join([*filler, words[i % 2]]))
    return part(texts, [i % 2 for i in range(n)])


def test_majority_is_the_commonest_class() -> None:
    train = part(["a", "b", "c"], [2, 0, 2])
    assert predict_majority(train, part(["x", "y"], [0, 0]), 0).tolist() == [2, 2]


def test_terms_that_tell_classes_apart_are_found() -> None:
    train, test = reviews(60, ("wonderful", "dreadful")), reviews(40, ("wonderful", "dreadful"))
    assert np.mean(predict_tfidf(train, test, 0) == test.labels) == 1.0


def test_of_pairs_it_counts_what_they_share() -> None:
    rng = np.random.default_rng(0)
    firsts = [rng.choice(list("abcdefghijkl"), size=5, replace=False).tolist() for _ in range(200)]
    seconds = [
        words if i % 2 else rng.choice(list("mnopqrstuvwx"), size=5).tolist()
        for i, words in enumerate(firsts)
    ]
    joined = [" ".join(f"word{w}" for w in words) for words in firsts]
    pairs = [" ".join(f"word{w}" for w in words) for words in seconds]
    whole = replace(part(joined, [i % 2 for i in range(200)]), pairs=pairs)
    train, test = whole.take(np.arange(100)), whole.take(np.arange(100, 200))
    assert np.mean(predict_tfidf(train, test, 0) == test.labels) > 0.95


def test_chinese_is_cut_into_characters() -> None:
    train, test = reviews(60, ("很好", "很差"), ""), reviews(40, ("很好", "很差"), "")
    assert is_cjk(train.texts)
    assert np.mean(predict_tfidf(train, test, 0) == test.labels) > 0.9


def test_english_with_a_few_chinese_signs_is_not_chinese() -> None:
    assert not is_cjk(["The word 好 means good, and nothing else in this sentence is Chinese."])


def test_one_class_is_predicted_throughout() -> None:
    train = part(["a word", "b word"], [1, 1])
    assert predict_tfidf(train, part(["c"], [0]), 0).tolist() == [1]


def test_texts_without_a_single_term_fall_back_to_the_majority() -> None:
    train = part(["!", "?", "!!"], [0, 1, 1])
    assert predict_tfidf(train, part(["."], [0]), 0).tolist() == [1]


def test_class_of_one_example_does_no_harm() -> None:
    train = reviews(30, ("wonderful", "dreadful"))
    train.labels[0] = 2
    assert len(predict_tfidf(train, part(["wonderful"], [0]), 0)) == 1


def test_report_holds_both_with_errors_and_seconds() -> None:
    data = TrialData(
        train=reviews(60, ("wonderful", "dreadful")),
        seen=np.arange(60),
        validation=reviews(40, ("wonderful", "dreadful")),
        test=reviews(0, ("wonderful", "dreadful")),
    )
    done: list[str] = []
    report = run_baselines(data, Classification(2), metric="f1_macro", seed=0, on_done=done.append)
    assert done == ["majority", "tfidf-logistic"]
    assert report.scores[1].metric == 1.0
    assert all(score.std_error > 0 and score.seconds >= 0 for score in report.scores)

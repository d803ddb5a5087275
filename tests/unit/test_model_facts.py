"""What names and tables of models tell, and how facts are kept."""

import zipfile
from pathlib import Path

import pytest

from benchmarks.facts import ModelFacts, load_model_facts, write_model_facts
from benchmarks.importers.facts import _Bases, _by_name, _with_siblings, completed
from benchmarks.importers.library_facts import facts_in, library_facts, write
from benchmarks.importers.networks import Network, Networks, reviewed_networks
from benchmarks.importers.stated_facts import of_tag
from benchmarks.importers.stems import stem_of
from benchmarks.shipped_files import MalformedTableError
from benchmarks.training_sets import as_stated, in_name
from models_registry.entry import Architecture
from models_registry.vocabulary import Modality

FACTS = ModelFacts(
    model="huggingface:a/bert-base-finetuned-sst2",
    family="bert",
    base_model="huggingface:google-bert/bert-base-uncased",
    architecture=Architecture.ENCODER,
    modality=Modality.TEXT,
    n_parameters=110_000_000,
    pretrained_on=("wikipedia", "bookcorpus"),
    fine_tuned_on=("sst-2",),
    languages=("en",),
    release_year=2022,
)


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("xlm-roberta-large", "xlm-roberta"),
        ("roberta-base-finetuned-cola", "roberta"),
        ("distilbert-base-uncased", "distilbert"),
        ("IceBERT", "bert"),
        ("flan-t5-base-samsum", "t5"),
        ("deberta-v3-base", "deberta-v3"),
        ("resnet50.a1_in1k", "resnet"),
        ("wide_resnet50_2.tv_in1k", "resnet"),
        ("tf_efficientnetv2_l.in21k_ft_in1k", "efficientnet"),
        ("vit_base_patch16_224.augreg_in21k", "vit"),
        ("Qwen3-Embedding-8B", "qwen3"),
        ("lawn-weeds", None),
        ("ditto", None),
    ],
)
def test_a_family_is_read_off_the_longest_known_stem(name: str, family: str | None) -> None:
    found = stem_of(name)
    assert (found.family if found else None) == family


@pytest.mark.parametrize(
    ("name", "datasets"),
    [
        ("roberta-base-squad2-covid", ("squad-v2",)),
        ("bert-finetuned-squad", ("squad-v1",)),
        ("autotrain-roberta-base-imdb-1275248778", ("imdb",)),
        ("vit-base-patch16-224-in21k-finetuned-cifar10", ("cifar-10",)),
        ("swin-tiny-patch4-window7-224-finetuned-eurosat", ("eurosat",)),
        ("m3-experiment-roberta-base-tweet-eval-emotion-0", ("tweeteval-emotion",)),
        ("race-horses", ()),
        ("bert-base-uncased", ()),
    ],
)
def test_training_sets_are_read_off_a_name(name: str, datasets: tuple[str, ...]) -> None:
    assert in_name(name) == datasets


def test_stated_training_sets_get_the_names_of_benchmarks() -> None:
    stated = ("glue/sst2", "cifar100", "tweet_eval/irony", "multi-nli", "Something New")
    assert [as_stated(name) for name in stated] == [
        "sst-2",
        "cifar-100",
        "tweeteval-irony",
        "mnli",
        "something new",
    ]


def test_a_tag_tells_pretraining_from_fine_tuning() -> None:
    tag = of_tag("augreg_in21k_ft_in1k")
    assert (tag.pretrained_on, tag.fine_tuned_on) == (("imagenet-21k",), ("imagenet-1k",))
    assert of_tag("in1k").pretrained_on == ("imagenet-1k",)


def test_the_longest_name_that_another_goes_on_from_is_its_base() -> None:
    names = ("x/vit-base", "google/vit-base-patch16-224", "me/vit-base-patch16-224-beans")
    bases = _Bases({f"huggingface:{n}": f"huggingface:{n}" for n in names})
    assert (
        bases.find("huggingface:me/vit-base-patch16-224-beans") == "huggingface:google/vit-base-patch16-224"
    )
    assert bases.find("huggingface:x/vit-base") == ""


def test_a_size_in_the_name_counts_where_no_table_says_it() -> None:
    fact = _by_name(
        ModelFacts(model="huggingface:a/llama-1.5b-german"), Modality.TEXT, _Bases({}), Networks([])
    )
    assert (fact.n_parameters, fact.family, fact.languages) == (1_500_000_000, "llama", ("de",))
    assert fact.architecture is Architecture.DECODER


def test_models_of_one_owner_that_begin_alike_are_a_family() -> None:
    names = ("o/newt-1b", "o/newt-7b", "p/newt-1b")
    facts = _with_siblings([ModelFacts(model=f"huggingface:{n}") for n in names])
    assert [f.family for f in facts] == ["newt", "newt", ""]


def test_facts_read_back_as_they_were_written(tmp_path: Path) -> None:
    empty = ModelFacts(model="source:x/y")
    write_model_facts([empty, FACTS], tmp_path / "facts.csv")
    assert load_model_facts(tmp_path / "facts.csv") == {FACTS.model: FACTS, empty.model: empty}


def test_a_damaged_row_of_facts_is_reported_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "facts.csv"
    write_model_facts([FACTS], path)
    path.write_text(path.read_text(encoding="utf-8").replace("encoder", "riddle"), encoding="utf-8")
    with pytest.raises(MalformedTableError) as refused:
        load_model_facts(path)
    assert refused.value.line == 2


@pytest.mark.parametrize(
    ("name", "n_parameters", "year"),
    [
        ("resnet50_augmix", 25_560_000, 2019),
        ("SimCLR-RN50---200-epochs", 25_557_032, 2020),
        ("SwAV-RN50-w2---400-epochs", 94_000_000, 2020),
        ("resnet50_3x_simclrv2", None, 2020),
        ("resnet50d.ra2_in1k", None, 2015),
        ("squeezenet1_1", 1_235_496, 2016),
        ("lawn-weeds", None, None),
    ],
)
def test_a_network_named_in_a_name_tells_size_and_earliest_year(
    name: str, n_parameters: int | None, year: int | None
) -> None:
    timm = Network(name="resnet50", modality=Modality.IMAGE, n_parameters=25_560_000)
    networks = Networks((*reviewed_networks(), timm))
    assert networks.size_of(name, Modality.IMAGE) == n_parameters
    assert networks.year_of(name, Modality.IMAGE) == year


def test_a_version_behind_a_point_is_another_network() -> None:
    networks = Networks([Network(name="qwen3", modality=Modality.TEXT, release_year=2025)])
    assert networks.year_of("Qwen3-8B", Modality.TEXT) == 2025
    assert networks.year_of("Qwen3.9-8B", Modality.TEXT) is None
    assert networks.year_of("Qwen3-8B", Modality.IMAGE) is None


def test_a_fine_tuned_model_has_the_size_and_the_year_of_its_base() -> None:
    tuned = ModelFacts(model="huggingface:me/newt-beans", base_model="huggingface:o/newt")
    facts = completed([(tuned, Modality.TEXT)], {}, Networks([]), {"huggingface:o/newt": (7, 2021)})
    assert (facts[0].n_parameters, facts[0].release_year) == (7, 2021)


def test_a_tower_of_a_dual_encoder_is_not_its_base() -> None:
    clip = ModelFacts(
        model="source:open-clip/ViT-B-32-laion400m_e31",
        architecture=Architecture.DUAL_ENCODER,
        pretrained_on=("laion-400m",),
    )
    facts = completed([(clip, Modality.IMAGE)], {"ViT-B-32": "huggingface:g/ViT-B-32"})
    assert (facts[0].base_model, facts[0].release_year) == ("", 2021)


def test_library_facts_are_read_from_source_without_running_it(tmp_path: Path) -> None:
    wheel = tmp_path / "mteb-9.9.9-py3-none-any.whl"
    source = """
raise SystemExit
a = ModelMeta(name="o/a", n_parameters=int(0.5 * 1e9), release_date="2023-09-12")
b = ModelMeta(name="o/b", n_parameters=None, release_date=None)
"""
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("mteb/models/model_implementations/o.py", source)
    found = [(f.model, f.n_parameters, f.release_year) for f in facts_in(wheel)]
    assert found == [("o/a", 500_000_000, 2023), ("o/b", None, None)]
    path = tmp_path / "library_facts.csv"
    write(wheel, {"huggingface:o/a"}, path)
    assert [(f.model, f.release_year) for f in library_facts(path)] == [("o/a", 2023)]

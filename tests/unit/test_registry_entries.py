"""The shipped entries: all valid, all required models there, numbers that agree with one another."""

import pytest

from models_registry.catalogue import load_catalogue
from models_registry.entry import Architecture, ModelEntry, WeightsFormat
from models_registry.vocabulary import Modality, TaskType

CATALOGUE = load_catalogue()
MIN_MODELS = 110
REQUIRED = {
    "Word2Vec": "fse/word2vec-google-news-300",
    "GloVe": "sentence-transformers/average_word_embeddings_glove.6B.300d",
    "BERT base": "google-bert/bert-base-uncased",
    "BERT large": "google-bert/bert-large-uncased",
    "BERT Chinese": "google-bert/bert-base-chinese",
    "BERT multilingual": "google-bert/bert-base-multilingual-cased",
    "BERT miniatures": "google/bert_uncased_L-2_H-128_A-2",
    "RoBERTa": "FacebookAI/roberta-base",
    "XLM-R": "FacebookAI/xlm-roberta-base",
    "DistilBERT": "distilbert/distilbert-base-uncased",
    "ALBERT": "albert/albert-base-v2",
    "ELECTRA": "google/electra-base-discriminator",
    "DeBERTa-v3": "microsoft/deberta-v3-base",
    "ModernBERT": "answerdotai/ModernBERT-base",
    "MiniLM": "microsoft/MiniLM-L12-H384-uncased",
    "multilingual E5": "huggingface:intfloat/multilingual-e5-small",
    "BGE": "BAAI/bge-small-en-v1.5",
    "GPT-2": "openai-community/gpt2",
    "SmolLM2": "HuggingFaceTB/SmolLM2-135M",
    "Qwen": "Qwen/Qwen2.5-0.5B",
    "XLNet": "xlnet/xlnet-base-cased",
    "T5": "google-t5/t5-base",
    "mT5": "google/mt5-small",
    "BART": "facebook/bart-base",
    "PEGASUS": "google/pegasus-large",
    "BioBERT": "dmis-lab/biobert-base-cased-v1.1",
    "PubMedBERT": "microsoft/BiomedNLP-BiomedBERT-base-uncased-abstract-fulltext",
    "SciBERT": "allenai/scibert_scivocab_uncased",
    "FinBERT": "ProsusAI/finbert",
    "LegalBERT": "nlpaueb/legal-bert-base-uncased",
    "Chinese RoBERTa-wwm": "hfl/chinese-roberta-wwm-ext",
    "MacBERT": "hfl/chinese-macbert-base",
    "ERNIE": "nghuyong/ernie-3.0-base-zh",
    "ResNet": "timm/resnet50.tv_in1k",
    "VGG": "timm/vgg16.tv_in1k",
    "EfficientNet": "timm/efficientnet_b0.ra_in1k",
    "MobileNet": "timm/mobilenetv2_100.ra_in1k",
    "ConvNeXt": "timm/convnext_tiny.fb_in1k",
    "ViT": "google/vit-base-patch16-224-in21k",
    "DeiT": "timm/deit_small_patch16_224.fb_in1k",
    "Swin": "timm/swin_tiny_patch4_window7_224.ms_in1k",
    "BEiT": "timm/beit_base_patch16_224.in22k_ft_in22k_in1k",
    "DINOv2": "facebook/dinov2-small",
    "MAE": "facebook/vit-mae-base",
    "VideoMAE": "MCG-NJU/videomae-base",
    "DETR": "facebook/detr-resnet-50",
    "SegFormer": "nvidia/mit-b0",
    "wav2vec 2.0": "facebook/wav2vec2-base",
    "HuBERT": "facebook/hubert-base-ls960",
    "WavLM": "microsoft/wavlm-base",
    "Whisper": "openai/whisper-tiny",
    "WaveNet-class TTS": "microsoft/speecht5_tts",
    "VITS": "kakao-enterprise/vits-ljs",
    "CLIP": "openai/clip-vit-base-patch32",
    "SigLIP": "google/siglip-base-patch16-224",
    "ViLT": "dandelin/vilt-b32-mlm",
    "ViLBERT": "facebookresearch/vilbert-multi-task",
    "BLIP": "Salesforce/blip-image-captioning-base",
    "SASRec": "kang205/SASRec",
    "BERT4Rec": "FeiSun/BERT4Rec",
}
PUBLISHED_PARAMETERS = {
    # Model cards and papers of the models; heads that a card counts explain up to two per cent.
    "google-bert/bert-base-uncased": 110e6,
    "FacebookAI/roberta-large": 355e6,
    "openai-community/gpt2": 124e6,
    "google-t5/t5-base": 223e6,
    "google/mt5-small": 300e6,
    "answerdotai/ModernBERT-base": 149e6,
    "jhu-clsp/mmBERT-base": 307e6,
    "EuroBERT/EuroBERT-210m": 212e6,
    "HuggingFaceTB/SmolLM2-360M": 362e6,
    "Qwen/Qwen2.5-0.5B": 494e6,
    "google/rembert": 576e6,
    "BAAI/bge-m3": 568e6,
    "facebook/dinov2-base": 86.6e6,
    "openai/whisper-large-v3": 1.55e9,
    "google/siglip-base-patch16-224": 203e6,
    "timm/resnet50.tv_in1k": 25.6e6,
}


def _of(modality: Modality) -> list[ModelEntry]:
    return [entry for entry in CATALOGUE if entry.modality is modality]


@pytest.mark.parametrize(("name", "model_id"), REQUIRED.items())
def test_every_required_model_has_a_checkpoint(name: str, model_id: str) -> None:
    entry = CATALOGUE.get(model_id)
    assert model_id in {entry.id, entry.key}, name


def test_the_catalogue_is_large_enough() -> None:
    assert len([entry for entry in CATALOGUE if entry.hub == "huggingface"]) >= MIN_MODELS


def test_every_task_type_but_image_generation_has_a_model() -> None:
    served = {task for entry in CATALOGUE for task in entry.task_types}
    assert set(TaskType) - served <= {TaskType.IMAGE_GENERATION}


def test_an_alias_names_exactly_one_model() -> None:
    owners = {a: [e.name for e in CATALOGUE.candidates(a)] for e in CATALOGUE for a in e.aliases}
    assert {alias: names for alias, names in owners.items() if len(names) > 1} == {}


def test_no_alias_repeats_a_name_of_its_own_entry() -> None:
    repeated = [
        e.id for e in CATALOGUE if {a.casefold() for a in e.aliases} & {e.id.casefold(), e.key.casefold()}
    ]
    assert repeated == []


@pytest.mark.parametrize(("model_id", "published"), PUBLISHED_PARAMETERS.items())
def test_parameters_agree_with_the_published_number(model_id: str, published: float) -> None:
    assert CATALOGUE.get(model_id).n_parameters == pytest.approx(published, rel=0.02)


def test_stored_full_precision_weights_hold_every_parameter() -> None:
    kept = {WeightsFormat.SAFETENSORS, WeightsFormat.PYTORCH}
    sizes = {
        e.id: e.weights.n_bytes / e.n_parameters
        for e in CATALOGUE
        if e.weights.format in kept and e.hub == "huggingface"
    }
    # Two bytes a parameter at least (half precision), more than four where a file carries a decoder too.
    assert {model: ratio for model, ratio in sizes.items() if not 2 <= ratio < 5.5} == {}


def test_only_models_without_weights_have_no_bytes() -> None:
    wrong = [e.id for e in CATALOGUE if (e.weights.n_bytes == 0) != (e.weights.format is WeightsFormat.NONE)]
    assert wrong == []


def test_text_transformers_compute_with_every_parameter_outside_lookup_tables() -> None:
    short = {
        e.id: e.forward_flops / (e.n_parameters - e.n_embedding_parameters)
        for e in _of(Modality.TEXT)
        if e.architecture is not Architecture.STATIC_VECTORS
        and e.forward_flops < 1.5 * (e.n_parameters - e.n_embedding_parameters)
    }
    assert short == {}


def test_shared_layers_of_albert_are_counted_once_a_layer() -> None:
    albert, bert = CATALOGUE.get("albert/albert-base-v2"), CATALOGUE.get("google-bert/bert-base-uncased")
    assert albert.forward_flops == pytest.approx(bert.forward_flops, rel=0.02)


def test_static_vectors_are_all_lookup_table() -> None:
    static = [e for e in CATALOGUE if e.architecture is Architecture.STATIC_VECTORS]
    assert static
    assert all(e.n_parameters == e.n_embedding_parameters for e in static)


def test_larger_models_of_one_family_cost_more() -> None:
    for smaller, larger in (
        ("google-bert/bert-base-uncased", "google-bert/bert-large-uncased"),
        ("timm/resnet34.tv_in1k", "timm/resnet152.tv_in1k"),
        ("openai/whisper-tiny", "openai/whisper-small"),
        ("facebook/dinov2-small", "facebook/dinov2-large"),
    ):
        assert CATALOGUE.get(smaller).forward_flops < CATALOGUE.get(larger).forward_flops


def test_the_unit_of_cost_follows_the_modality() -> None:
    units = {Modality.TEXT: "token", Modality.INTERACTIONS: "token", Modality.AUDIO: "second"}
    wrong = [e.id for e in CATALOGUE if e.flops_unit != units.get(e.modality, "image")]
    assert wrong == []


def test_token_models_state_how_much_they_read() -> None:
    unlimited = [
        e.id
        for e in _of(Modality.TEXT)
        if e.max_length is None and e.architecture is not Architecture.STATIC_VECTORS
    ]
    assert unlimited == []


def test_models_trained_on_a_corpus_of_their_own_name_their_sources() -> None:
    assert all(str(source).startswith("https://") for entry in CATALOGUE for source in entry.sources)
    cards = [e.id for e in CATALOGUE if e.hub == "huggingface" and not any(e.id in str(s) for s in e.sources)]
    assert cards == []


def test_no_two_models_share_a_pinned_commit() -> None:
    pinned = [e.revision for e in CATALOGUE if e.hub == "huggingface" and e.revision != "main"]
    assert len(pinned) == len(set(pinned))


def test_copy_belongs_to_the_family_of_its_original() -> None:
    entries = {entry.key: entry for entry in load_catalogue().entries}
    copies = [e for e in entries.values() if e.derived_from in entries]
    assert copies
    assert [e.id for e in copies if e.family != entries[str(e.derived_from)].family] == []

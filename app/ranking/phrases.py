"""The sentences of reasons, cautions and advice, in English and Chinese."""

from enum import StrEnum
from types import MappingProxyType

from app.ranking.drift_phrases import DRIFT_PHRASES
from app.ranking.step_phrases import STEP_PHRASES


class Language(StrEnum):
    """Languages that answers are given in."""

    ENGLISH = "en"
    CHINESE = "zh"


_PHRASES = {
    "own_figure": (
        "{value} {metric} on {benchmark} ({protocol}), the most telling of its {n} published figures",
        "在 {benchmark} 上 {metric} 为 {value}（{protocol}），是其 {n} 项公开成绩中最有参考价值的一项",
    ),
    "similar_figure": (
        "{value} {metric} on {benchmark} ({protocol}), {similarity:.0%} similar to your task; {n} published figures in all",
        "在 {benchmark} 上 {metric} 为 {value}（{protocol}），与您的任务相似度 {similarity:.0%}；共有 {n} 项公开成绩",
    ),
    "relatives": (
        "no published figures of its own: judged by {n} figures of its relatives ({family}) and by its size",
        "自身没有公开成绩：依据同族模型（{family}）的 {n} 项成绩及其规模推断",
    ),
    "traits_only": (
        "no published figures of it or its family: judged by its size, kind and languages alone",
        "该模型及其同族均无公开成绩：仅依据规模、结构与语言推断",
    ),
    "only_language": ("pretrained on {spoken} alone", "仅在{spoken}语料上预训练"),
    "multilingual": ("pretrained on many languages, {spoken} among them", "多语言预训练，包含{spoken}"),
    "domain": ("pretrained on {domain} text like yours", "预训练语料与您的领域（{domain}）一致"),
    "cost": (
        "{strategy}: about {duration} to train and {memory} GB on {device}",
        "{strategy}：在 {device} 上训练约需 {duration}，显存/内存 {memory} GB",
    ),
    "lora_for_memory": (
        "a full fine-tune does not fit your budget; LoRA does",
        "全量微调超出您的预算，LoRA 可行",
    ),
    "head_for_budget": (
        "only a head on frozen features fits your budget",
        "预算只够在冻结特征上训练分类头",
    ),
    "probe_figure": (
        "measured on your own data by a probe: {value} {metric} ({how})",
        "已在您的数据上实测：{metric} 为 {value}（{how}）",
    ),
    "thin_evidence": (
        "thin evidence: the prediction rests on {n} figures, none of them close to your task",
        "证据不足：预测仅基于 {n} 项成绩，且都与您的任务不够接近",
    ),
    "unknown_tokens": (
        "its vocabulary lacks {share:.1%} of your texts' tokens, which it cannot read",
        "其词表缺少您文本中 {share:.1%} 的词元，这部分内容无法识别",
    ),
    "many_tokens": (
        (
            "it cuts your texts into {ratio:.1f} times as many tokens as the best fitting vocabulary here: "
            "made for other text, and dearer"
        ),
        "它切分出的词元数是此处最合适词表的 {ratio:.1f} 倍：词表并非为此类文本而建，成本也更高",
    ),
    "whole_words": (
        "its vocabulary holds {share:.0%} of your commonest words whole, the most here (others from {least:.0%})",
        "其词表完整收录您文本中 {share:.0%} 的常用词，为此处最高（其他最低为 {least:.0%}）",
    ),
    "few_whole_words": (
        (
            "its vocabulary holds {share:.0%} of your commonest words whole, the best here {most:.0%}: made for text of "
            "another domain or language"
        ),
        "其词表仅完整收录您文本中 {share:.0%} 的常用词（此处最高为 {most:.0%}）：词表来自其他领域或语言",
    ),
    "cut_off": (
        "{share:.0%} of your texts are longer than what it reads, and cut off",
        "{share:.0%} 的文本超出其可读长度而被截断",
    ),
    "blend": ("a weighted mean of predictions: {parts}", "对预测结果加权平均：{parts}"),
    "blend_gain": (
        "on validation examples that its weights were not chosen on {gain:+.4f} +- {error:.4f} to the first alone",
        "在未用于选择权重的验证样本上，相对排名第一的单一模型变化 {gain:+.4f} ± {error:.4f}",
    ),
    "blend_recipe": (
        "fine-tune each as its own row says and average their predictions: {parts}",
        "按各自行中的配方分别微调，再对预测加权平均：{parts}",
    ),
    "blend_cost": (
        "{n} models run for each prediction: {times:.1f} times the first's latency",
        "每次预测需运行 {n} 个模型：延迟为第一名的 {times:.1f} 倍",
    ),
    "group_gap": (
        (
            "{model} scores {high:.3f} on {best!r} and {low:.3f} on {worst!r} (p {p:.3f}). What may help: more or "
            "reweighted examples of {worst!r}, resampling, a threshold a group (Hardt et al. 2016), or a model with "
            "a smaller gap, see groups"
        ),
        (
            "{model} 在 {best!r} 上得分 {high:.3f}，在 {worst!r} 上得分 {low:.3f}（p {p:.3f}）。可尝试：为 {worst!r} "
            "增加样本或提高权重、重采样、按组设定阈值（Hardt et al. 2016），或选用差距更小的模型，见 groups"
        ),
    ),
    "baseline_close": (
        (
            "{name} alone scores {mean:.3f} and may do as well as the best pretrained model (P {p:.0%}): it trains in "
            "seconds and needs no card"
        ),
        "仅用 {name} 即得 {mean:.3f}，可能不逊于最佳预训练模型（概率 {p:.0%}）：训练只需数秒，且无需显卡",
    ),
    "groups_unmeasured": (
        "{n} groups have fewer than {least} validation examples and are not scored",
        "有 {n} 个组的验证样本少于 {least} 条，未单独评分",
    ),
    "other_protocol": (
        "its figures were measured under another protocol ({protocol})",
        "其成绩是在另一种协议（{protocol}）下测得的",
    ),
    "quantised": (
        "a 4-bit copy of {original}: published figures of the full model do not apply exactly",
        "这是 {original} 的 4 比特副本：原模型的公开成绩不完全适用",
    ),
    "quantised_evidence": (
        "its evidence comes only from copies in few bits ({copy}): the full model may do better",
        "其证据仅来自低比特量化副本（{copy}）：完整模型可能更好",
    ),
    "seen_benchmark": (
        "it was trained on {what} before it was measured there: these figures are flattered",
        "测评前已在 {what} 上训练过：这些成绩偏高",
    ),
    "same_task": (
        "was fine-tuned before on the same kind of task ({what}): a head start, but flattered where your data overlap",
        "此前已在同类任务（{what}）上微调：起点更高，但若与您的数据重叠，成绩会偏高",
    ),
    "robust": (
        (
            "on shifted test sets ({shifts}) {points:.1f} points above models as accurate on the original: your domain "
            "is far from its pretraining data"
        ),
        "在分布偏移测试集（{shifts}）上，比原测试集同等准确率的模型高 {points:.1f} 个百分点：您的领域远离其预训练数据",
    ),
    "fragile": (
        (
            "on shifted test sets ({shifts}) {points:.1f} points below models as accurate on the original, and your "
            "domain is far from its pretraining data"
        ),
        "在分布偏移测试集（{shifts}）上，比原测试集同等准确率的模型低 {points:.1f} 个百分点，而您的领域远离其预训练数据",
    ),
    "trained_before": (
        "was fine-tuned before on {what}: if your data overlap with it, its score is flattered",
        "此前已在 {what} 上微调：若与您的数据重叠，其成绩会偏高",
    ),
    "not_probeable": (
        "its weights are not published as safetensors, so it cannot be probed here",
        "其权重未以 safetensors 发布，无法在此进行探测",
    ),
    "no_weights": (
        "has no public weights: it is trained from scratch on your data",
        "没有公开权重：需要在您的数据上从头训练",
    ),
    "reads_titles": (
        "reads items by their titles: it needs a column of them",
        "通过物品的标题来认识物品：数据需要有标题列",
    ),
    "licence": ("licence {licence}: check that it covers your use", "许可证 {licence}：请确认适用于您的用途"),
    "truncated": (
        "reads at most {limit} tokens; an average input of yours has about {tokens:.0f}",
        "最多读取 {limit} 个词元，而您的输入平均约 {tokens:.0f} 个",
    ),
    "unpinned": (
        "no pinned revision in the catalogue: the hub's newest is taken and recorded",
        "目录中未固定版本：将使用并记录模型库的最新版本",
    ),
    "advice_clear": (
        "{model} is the clear choice: P(best) {p:.0%}, expected regret {regret}.",
        "{model} 优势明显：最佳概率 {p:.0%}，期望遗憾 {regret}。",
    ),
    "advice_probe": (
        (
            "The figures alone cannot tell the first {n} apart (P(best) of the first {p:.0%}, expected regret {regret}). "
            "Probe {models} on your data: about {duration}."
        ),
        (
            "仅凭公开成绩无法区分前 {n} 个模型（第一名最佳概率 {p:.0%}，期望遗憾 {regret}）。"
            "建议在您的数据上探测 {models}：约需 {duration}。"
        ),
    ),
    "advice_no_probe": (
        (
            "The figures alone cannot tell the first {n} apart (P(best) of the first {p:.0%}, expected regret {regret}); "
            "none of them can be probed here, so try them in order."
        ),
        "仅凭公开成绩无法区分前 {n} 个模型（第一名最佳概率 {p:.0%}，期望遗憾 {regret}）；均无法在此探测，请依次尝试。",
    ),
    "advice_nobody_can": (
        "No model in the database can do {task}{where}.",
        "数据库中没有模型能完成 {task}{where}。",
    ),
    "advice_nothing_fits": (
        (
            "Every model that can do {task} breaks a constraint; most often: {rules}. The nearest is {nearest} "
            "({rule}: needs {needed}, there is {available})."
        ),
        (
            "所有能完成 {task} 的模型都不满足约束，最常见的是：{rules}。最接近的是 {nearest}"
            "（{rule}：需要 {needed}，可用 {available}）。"
        ),
    ),
    "advice_tiny_data": (
        "With {n} examples any ranking is uncertain; also try a linear model on TF-IDF features.",
        "只有 {n} 条样本，任何排序都不确定；建议同时尝试 TF-IDF 加线性模型。",
    ),
    "in_language": (" in {spoken}", "（语言：{spoken}）"),
    "seconds": ("{n:.0f} s", "{n:.0f} 秒"),
    "minutes": ("{n:.0f} min", "{n:.0f} 分钟"),
    "hours": ("{n:.1f} h", "{n:.1f} 小时"),
    "full": ("full fine-tune", "全量微调"),
    "lora": ("LoRA", "LoRA"),
    "adalora": ("AdaLoRA", "AdaLoRA"),
    "prefix": ("prefix tuning", "前缀微调"),
    "ia3": ("IA3", "IA3"),
    "bitfit": ("biases alone", "仅微调偏置"),
    "partial": ("upper half of the layers", "微调上半部分层"),
    "head": ("head on frozen features", "冻结特征加分类头"),
    "ensemble": ("weighted mean of several models", "多模型加权平均"),
}
PHRASES = MappingProxyType(_PHRASES | DRIFT_PHRASES | STEP_PHRASES)
_LANGUAGE_NAMES = {
    "en": ("English", "英文"),
    "zh": ("Chinese", "中文"),
    "de": ("German", "德文"),
    "fr": ("French", "法文"),
    "es": ("Spanish", "西班牙文"),
    "ja": ("Japanese", "日文"),
    "ko": ("Korean", "韩文"),
    "it": ("Italian", "意大利文"),
    "pt": ("Portuguese", "葡萄牙文"),
    "ru": ("Russian", "俄文"),
    "ar": ("Arabic", "阿拉伯文"),
    "da": ("Danish", "丹麦文"),
    "nl": ("Dutch", "荷兰文"),
    "fi": ("Finnish", "芬兰文"),
    "pl": ("Polish", "波兰文"),
}


def say(key: str, language: Language, **values: object) -> str:
    """The sentence of this key with its values filled in."""
    return PHRASES[key][language is Language.CHINESE].format(**values)


def language_name(code: str, language: Language) -> str:
    """The name of a language in the answer's language; its code where none is known."""
    return _LANGUAGE_NAMES.get(code, (code, code))[language is Language.CHINESE]


def duration(seconds: float, language: Language) -> str:
    """A duration as a person says it."""
    if seconds < 90:
        return say("seconds", language, n=seconds)
    if seconds < 5400:
        return say("minutes", language, n=seconds / 60)
    return say("hours", language, n=seconds / 3600)

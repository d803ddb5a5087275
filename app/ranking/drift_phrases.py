"""The sentences on what has changed between two data sets, in English and Chinese."""

DRIFT_PHRASES = {
    "drift_inputs": (
        "texts: a classifier ranks a later one above an earlier one in {value:.0%} of pairs (50 % by chance)",
        "文本：分类器在 {value:.0%} 的样本对中能分辨出较新的一条（随机为 50 %）",
    ),
    "drift_labels": (
        (
            "labels: {value:.0%} of them would have to be others for their shares to be as before "
            "(by chance {by_chance:.0%})"
        ),
        "标签：需改动 {value:.0%} 的标签才能恢复原来的分布（随机波动为 {by_chance:.0%}）",
    ),
    "drift_numbers": (
        "labels: their distributions are up to {value:.0%} apart (by chance {by_chance:.0%})",
        "标签：两个数值分布最多相差 {value:.0%}（随机波动为 {by_chance:.0%}）",
    ),
    "drift_lengths": (
        (
            "lengths: {before:.0f} characters on average before, {after:.0f} now; the distributions are up to "
            "{value:.0%} apart (by chance {by_chance:.0%})"
        ),
        (
            "长度：平均字符数由 {before:.0f} 变为 {after:.0f}，分布最多相差 {value:.0%}"
            "（随机波动为 {by_chance:.0%}）"
        ),
    ),
    "drift_languages": (
        (
            "languages: {value:.0%} of the texts would have to be in another for the shares to be as before "
            "(by chance {by_chance:.0%})"
        ),
        "语言：{value:.0%} 的文本需换成其他语言才能恢复原来的分布（随机波动为 {by_chance:.0%}）",
    ),
    "drift_new_classes": (
        (
            "{n} classes are new ({share:.1%} of the later examples): no model trained on the earlier data can "
            "name them"
        ),
        "出现 {n} 个新类别（占新数据的 {share:.1%}）：用旧数据训练的模型无法给出这些类别",
    ),
    "drift_relabelled": (
        "{n} of the {n_copies} later examples that the earlier data hold too carry another label now",
        "与旧数据重复的 {n_copies} 条样本中，有 {n} 条的标签与之前不同",
    ),
    "drift_between": ("; ", "；"),
    "drift_probe_again": ("Probe again. {what}.", "建议重新探测。{what}。"),
    "drift_keep": (
        "No need to probe again: nothing has changed beyond chance.",
        "无需重新探测：未发现超出随机波动的变化。",
    ),
    "drift_keep_slight": (
        (
            "No need to probe again, for what has changed is slight: the order of models seldom depends on it, "
            "scores do. {what}."
        ),
        "变化轻微，无需重新探测：模型的排序通常不受影响，但分数会变。{what}。",
    ),
    "drift_collect_more": (
        (
            "Too few examples to tell ({n_earlier} earlier and {n_later} later ones were compared): even a marked "
            "change might not be noticed. Compare again with more."
        ),
        (
            "样本太少，无法判断（比较了 {n_earlier} 条旧样本与 {n_later} 条新样本）：即使变化明显也可能看不出来。"
            "请收集更多样本后再比较。"
        ),
    ),
    "drift_files_unread": (
        "Files are not looked into: only their labels and exact copies are compared.",
        "未读取文件内容：只比较标签与完全相同的副本。",
    ),
    "drift_few_texts": (
        "There are too few distinct texts to compare them.",
        "不同的文本太少，无法比较。",
    ),
    "drift_run_stands": (
        (
            "The last run chose {model} ({how}) with {metric} {mean:.3f} ({low:.3f} to {high:.3f}); nothing here "
            "speaks against it."
        ),
        "上次探测选出 {model}（{how}），{metric} 为 {mean:.3f}（{low:.3f} 至 {high:.3f}）；此处没有相反的证据。",
    ),
    "drift_run_measured": (
        (
            "The last run chose {model} ({how}) with {metric} {mean:.3f} ({low:.3f} to {high:.3f}), measured on the "
            "earlier data: the choice should hold, the score need not. Measure it on later examples."
        ),
        (
            "上次探测选出 {model}（{how}），{metric} 为 {mean:.3f}（{low:.3f} 至 {high:.3f}），是在旧数据上测得的："
            "选择应仍有效，分数未必。请在新样本上复测。"
        ),
    ),
    "drift_run_outdated": (
        (
            "The last run chose {model} ({how}) with {metric} {mean:.3f} ({low:.3f} to {high:.3f}), measured on the "
            "earlier data: on data like the later ones neither the score nor the choice is known to hold."
        ),
        (
            "上次探测选出 {model}（{how}），{metric} 为 {mean:.3f}（{low:.3f} 至 {high:.3f}），是在旧数据上测得的："
            "对新数据，分数与选择都不一定成立。"
        ),
    ),
    "drift_run_unknown": (
        (
            "The last run chose {model} ({how}) with {metric} {mean:.3f} ({low:.3f} to {high:.3f}), measured on the "
            "earlier data; whether it holds on the later ones cannot be told yet."
        ),
        (
            "上次探测选出 {model}（{how}），{metric} 为 {mean:.3f}（{low:.3f} 至 {high:.3f}），是在旧数据上测得的；"
            "是否适用于新数据尚无法判断。"
        ),
    ),
}

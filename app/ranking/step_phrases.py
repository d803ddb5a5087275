"""The sentences on what to try beside the choice of a model, in English and Chinese."""

STEP_PHRASES = {
    "few_shot_what": (
        "Tune a sentence encoder on pairs of your examples first (SetFit), then fit the head.",
        "先用样本对以对比学习方式微调句向量模型（SetFit），再训练分类头。",
    ),
    "few_shot_why": (
        "{n} examples of {k} classes are {per_class:.1f} a class; pairs make many more training signals of few labels.",
        "{k} 个类别共 {n} 条样本，平均每类 {per_class:.1f} 条；成对组合能从少量标注中得到更多训练信号。",
    ),
    "augment_text_what": (
        "Add altered copies of the training texts: words replaced, swapped and left out (EDA), or translated there and back.",
        "为训练文本增加变体：同义替换、换位、删除词语（EDA），或回译。",
    ),
    "augment_text_why": (
        "{n} examples are few. With networks trained from scratch EDA brought 3.0 points at 500 examples; pretrained ones gain less, so keep what helps on validation.",
        "只有 {n} 条样本。对从头训练的网络，EDA 在 500 条样本时提高 3.0 个百分点；预训练模型获益较小，请以验证集效果决定取舍。",
    ),
    "augment_images_what": (
        "Train on randomly altered images (RandAugment), and on blends of two images and their labels (mixup).",
        "训练时随机变换图像（RandAugment），并混合成对图像及其标签（mixup）。",
    ),
    "augment_images_why": (
        "{n} images are few: a network that sees the same ones every epoch learns them by heart.",
        "只有 {n} 张图像：每轮都看到相同图像的网络会死记硬背。",
    ),
    "augment_audio_what": (
        "Mask random stretches of time and frequency in the spectrograms while training (SpecAugment).",
        "训练时随机遮盖频谱图的时间段与频段（SpecAugment）。",
    ),
    "augment_audio_why": (
        "{n} recordings are few: masks keep a network from learning them by heart.",
        "只有 {n} 段录音：遮盖可避免网络死记硬背。",
    ),
    "self_training_what": (
        "Let the tuned model label the unlabelled examples, train on those it is sure of, and repeat.",
        "用微调后的模型为未标注样本打标签，只用其有把握的部分再训练，并重复此过程。",
    ),
    "self_training_why": (
        "You have {n_unlabelled} unlabelled examples beside {n} labelled ones.",
        "除 {n} 条已标注样本外，您还有 {n_unlabelled} 条未标注样本。",
    ),
    "pretrain_what": (
        "Go on pretraining {model} on your own texts, labelled and unlabelled, before you fine-tune it.",
        "微调之前，先用您自己的文本（含未标注的）继续预训练 {model}。",
    ),
    "pretrain_why": (
        "Your domain ({domain}) is far from what it was pretrained on, and you have {n_texts} texts of it.",
        "您的领域（{domain}）与其预训练语料相距较远，而您有 {n_texts} 条该领域的文本。",
    ),
    "imbalance_what": (
        "Weigh classes by their rarity or adjust the logits by their shares, and choose thresholds on validation data.",
        "按类别稀有程度加权，或按类别占比调整 logit，并在验证集上选择阈值。",
    ),
    "imbalance_why": (
        "The largest class has {most} examples, the smallest {least}: {ratio:.0f} to 1.",
        "最大类有 {most} 条样本，最小类仅 {least} 条：{ratio:.0f} 比 1。",
    ),
    "noise_what": (
        "Check labels before training: look first at examples whose label a cross-validated model finds unlikely (confident learning).",
        "训练前检查标签：优先查看交叉验证模型认为其标签不太可能的样本（置信学习）。",
    ),
    "noise_why": (
        "{n_conflicting} texts ({share:.1%} of {n} examples) occur with more than one label; there are likely more such errors among texts that occur once.",
        "{n_conflicting} 条文本（占 {n} 条样本的 {share:.1%}）带有不止一种标签；只出现一次的文本中很可能也有这类错误。",
    ),
    "distil_what": (
        "Tune {best}, then train {fastest} on its predictions (distillation).",
        "先微调 {best}，再用其预测结果训练 {fastest}（蒸馏）。",
    ),
    "distil_why": (
        "{fastest} answers in about {fast_ms:.1f} ms, {best} in {best_ms:.1f} ms, and you asked for low latency.",
        "{fastest} 单次预测约 {fast_ms:.1f} 毫秒，{best} 约 {best_ms:.1f} 毫秒，而您要求低延迟。",
    ),
    "quantise_what": (
        "Store {best} in 8 bits once it is tuned, and measure it again.",
        "微调后将 {best} 量化为 8 比特，并重新评测。",
    ),
    "quantise_why": (
        "Its weights shrink from {full_gb:.2f} GB to about {small_gb:.2f} GB; it answers in {best_ms:.1f} ms now, and faster where the hardware computes in 8 bits.",
        "其权重从 {full_gb:.2f} GB 减至约 {small_gb:.2f} GB；目前单次预测约 {best_ms:.1f} 毫秒，在支持 8 比特运算的硬件上会更快。",
    ),
    "too_slow_what": (
        "Quantise or distil one of the models that were left out for their latency, or allow more of it.",
        "对因延迟超限而落选的模型做量化或蒸馏，或放宽延迟限制。",
    ),
    "too_slow_why": (
        "{n_too_slow} models need more than the {limit_ms:.1f} ms that you allow, and none is left.",
        "有 {n_too_slow} 个模型超过您限定的 {limit_ms:.1f} 毫秒，已无可选模型。",
    ),
}

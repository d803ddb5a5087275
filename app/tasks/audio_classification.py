"""Audio classification: one recording, one of several classes."""

from app.tasks.base import ColumnRole, ColumnRule, FileFormat, TaskDefinition
from app.tasks.files import check_labelled_file
from app.tasks.text_classification import GROUP_RULE, LABEL_NAMES
from models_registry.vocabulary import TaskType

FILE_NAMES = (
    *("file", "path", "filename", "file_name", "filepath", "file_path", "audio", "audio_path", "audio_file"),
    *("wav", "wav_path", "wav_file", "recording", "clip", "fname", "slice_file_name", "sound", "id"),
    *("音频", "录音", "语音", "文件", "文件名", "路径"),
)

AUDIO_CLASSIFICATION = TaskDefinition(
    task_type=TaskType.AUDIO_CLASSIFICATION,
    title="Audio classification",
    metrics=("accuracy", "balanced_accuracy", "f1_macro", "map", "eer"),
    data="A recording and its class.",
    formats=(FileFormat.ARCHIVE,),
    columns=(
        ColumnRule(
            role=ColumnRole.TEXT,
            description="The recording's file, as the archive names it.",
            names=FILE_NAMES,
        ),
        ColumnRule(role=ColumnRole.LABEL, description="Its class: text or a number.", names=LABEL_NAMES),
        GROUP_RULE,
    ),
    min_classes=2,
    check_row=check_labelled_file,
    unprobed_metrics=frozenset({"map", "eer"}),
)

"""Image classification: one image, one of several classes."""

from app.tasks.base import ColumnRole, ColumnRule, FileFormat, TaskDefinition
from app.tasks.files import check_labelled_file
from app.tasks.text_classification import GROUP_RULE, LABEL_NAMES
from models_registry.vocabulary import TaskType

FILE_NAMES = (
    *("file", "path", "filename", "file_name", "filepath", "file_path", "image", "image_path", "img"),
    *("image_file", "image_name", "image_id", "id", "images", "图片", "图像", "文件", "文件名", "路径"),
)

IMAGE_CLASSIFICATION = TaskDefinition(
    task_type=TaskType.IMAGE_CLASSIFICATION,
    title="Image classification",
    metrics=("accuracy", "balanced_accuracy", "f1_macro", "top5_accuracy"),
    data="An image and its class.",
    formats=(FileFormat.ARCHIVE,),
    columns=(
        ColumnRule(
            role=ColumnRole.TEXT, description="The image's file, as the archive names it.", names=FILE_NAMES
        ),
        ColumnRule(role=ColumnRole.LABEL, description="Its class: text or a number.", names=LABEL_NAMES),
        GROUP_RULE,
    ),
    min_classes=2,
    check_row=check_labelled_file,
    unprobed_metrics=frozenset({"top5_accuracy"}),
)

"""Explained predictions as a JSON document: kept are places of words, which the data set has."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.datasets.examples import load_rows
from app.datasets.storage import dataset_folder
from app.documents import Document
from app.probes.artifact_files import explanations_file


def explanations_document(data_dir: Path, run_id: str, dataset_id: str) -> Document | None:
    """What explains a run's predictions, with the words; None where there is nothing or the data are gone."""
    try:
        kept = json.loads(explanations_file(data_dir, run_id).read_text(encoding="utf-8"))
        rows = {item["row"] for item in kept["items"]}
        texts = load_rows(dataset_folder(data_dir, dataset_id), rows)
    except FileNotFoundError:
        return None
    return {**kept, "items": [_item(item, *texts[item["row"]]) for item in kept["items"]]}


def _item(item: Mapping[str, Any], text: str, text_pair: str | None) -> Document:
    whole = {"text": text, "text_pair": text_pair or ""}
    parts = [{**part, "text": whole[part["field"]][part["start"] : part["end"]]} for part in item["parts"]]
    return {**item, "text": text, "text_pair": text_pair, "parts": parts}

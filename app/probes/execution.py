"""One probe run from lease to end: prepare, probe, rank, and put the results back.

Every step first asks the scheduler, then works, then persists in one fenced transaction: the record, the
curve's point, the charge, the ranking and the events. A worker that takes over finds them all or none.
"""

import datetime as dt
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy.orm import Session

from app.advice import Question
from app.datasets.examples import Examples, load_examples
from app.datasets.storage import StoredDataset, dataset_folder, load_dataset
from app.db import Database
from app.probes.lease import Lease
from app.probes.planning import (
    Prepared,
    choose_candidates,
    measured_device,
    plan_from_json,
    plan_to_json,
    prepare,
)
from app.probes.ranking import RunView, ranked_rows
from app.probes.repository import LeaseRepository, LostLeaseError
from app.probes.results import question_for_run, record_figures
from app.probes.sample import write_sample
from app.probes.scheduler import OUTCOME_FINISHED, Action, Kind, Record, Scheduler, Stop
from app.probes.states import RunStatus, TrialStatus
from app.probes.tables import ProbePointRow, ProbeRunRow, ProbeTrialRow
from app.probes.trials import TrialPool, TrialResult
from app.probes.weights import ensure_weights
from app.ranking.curves import load_curve_calibration
from app.settings import Settings
from app.snapshot import Snapshot
from models_registry.entry import ModelEntry
from models_registry.hubs import HubError, hub_for

"""Fine-tuning in slices that can be resumed, in another process too, with the same result to the bit.

What is kept is in `app.probes.training_state`. The order of the data and the draws of dropout follow from
seed and step, so they need not be.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from app.probes import kept_outputs
from app.probes.data import Part, TrialData
from app.probes.features import length_sorted_batches
from app.probes.file_backbones import FileBackbone
from app.probes.footprint import VALIDATION_TOKENS
from app.probes.inputs import Encoded, TextsApart, TokenizedTexts, units_of
from app.probes.item_networks import ItemBackbone, ItemsOnlyError
from app.probes.loading import LoadedBackbone
from app.probes.logistic import LinearClassifier
from app.probes.messages import Heartbeat, RefitPoint, SlicePoint, TestScore, TrialSpec
from app.probes.precision import Precision
from app.probes.replicas import Replicas, training_devices
from app.probes.strategies import full
from app.probes.strategies.trained import TRAINED, reserved_positions
from app.probes.tasks.base import ProbeTask
from app.probes.tasks.catalogue import probe_task
from app.probes.tokens import tokenize
from app.probes.training_state import State, save_progress
from app.probes.writers import Writer
from app.probes.writing import written_rows
from app.probes.writings import Writings
from models_registry.vocabulary import Strategy

_STEP_SEED_STRIDE = 1_000_003
"""Keeps the draws of one step apart from those of another trial's."""

OnHeartbeat = Callable[[Heartbeat], None]


class DivergedError(Exception):
    """Training left the range from which it could come back."""

    def __init__(self, step: int, loss: float) -> None:
        self.step = step
        self.loss = loss
        super().__init__(f"loss {loss} at step {step}")


class FineTune:
    """A fine-tune under way, in memory."""

    def __init__(
        self,
        spec: TrialSpec,
        backbone: LoadedBackbone,
        data: TrialData,
        head: LinearClassifier | None = None,
        devices: Sequence[torch.device] | None = None,
    ) -> None:
        """Weights as pretrained, or as the last finished slice left them.

        Args:
            spec: The trial.
            backbone: As loaded; its vocabulary is restricted to the trial's texts.
            data: Both parts.
            head: Where the head begins; None begins at random.
            devices: To train on; None takes as many cards as the trial may, or the processor.
        """
        self.backbone = backbone
        self._spec = spec
        room = backbone.max_length - reserved_positions(Strategy(spec.strategy))
        self.max_length = min(spec.recipe.max_length, room)
        self._task = probe_task(spec.task_type, data)
        self._train, self._validation, self._test = self._task.read(
            spec, backbone, data, self.max_length
        ) or _encoded(spec, backbone, data, self.max_length, self._task)
        self._data = data
        self._targets = torch.from_numpy(self._task.training_units(data.train.targets))
        self._steps_per_epoch = full.steps_per_epoch(len(self._train), spec.recipe.batch_size)
        self.total_steps = self._steps_per_epoch * spec.recipe.epochs
        torch.manual_seed(spec.seed)
        if spec.recipe.gradient_checkpointing:
            backbone.save_memory()
        self._adaptation = TRAINED[Strategy(spec.strategy)](backbone, self.total_steps)
        self._model = self._task.model(backbone)
        if head is not None:
            self._model.begin_from(head)
        devices = devices or training_devices(spec.n_devices)
        self._device = devices[0]
        self._precision = Precision(self._device, spec.precision)
        self._model.to(self._device)
        self._optimizer = full.make_optimizer(
            self._model, learning_rate=spec.recipe.learning_rate, weight_decay=spec.recipe.weight_decay
        )
        weights = spec.recipe.class_weights
        self._class_weights = None if weights is None else torch.tensor(weights, device=self._device)
        self._batches: tuple[int, list[NDArray[np.int64]]] = (-1, [])
        self._pass_seconds = 0.0
        self._state = State(self._model, self._optimizer, self._adaptation, self._precision)
        self.progress = self._state.load(spec.folder)
        self._replicas = Replicas(self._model, devices)

    @property
    def has_ended(self) -> bool:
        """Whether there is nothing left to train."""
        patience = self._spec.recipe.early_stopping_patience
        worn_out = patience is not None and self.progress.n_worse >= patience
        return worn_out or self.progress.step >= self.total_steps

    def advance(self, until_step: int, heartbeat: OnHeartbeat) -> SlicePoint:
        """Trained to a step, evaluated and saved.

        Args:
            until_step: Where the slice ends; cut to the last step.
            heartbeat: Told after every step.

        Raises:
            DivergedError: The loss went where there is no way back; the last slice's state stays.
        """
        began, self._pass_seconds = time.monotonic(), 0.0
        losses = [] if self.has_ended else self._train_to(min(until_step, self.total_steps), heartbeat)
        heartbeat(Heartbeat(stage="validation"))
        outputs = self._outputs(self._validation)
        references = torch.from_numpy(self._task.units(self._data.validation.targets))
        validation_loss = float(self._task.loss(outputs, references, None))
        if not np.isfinite(validation_loss):
            raise DivergedError(self.progress.step, validation_loss)
        self._note(losses, validation_loss)
        if not self._task.measures_texts(self._spec.metric):  # else they are not what is measured
            path = self._spec.folder / kept_outputs.TRAINED
            kept_outputs.keep_outputs(path, outputs.numpy(), self._validation.n_units)
        self._state.save(self._spec.folder, self.progress)
        self.progress = replace(self.progress, seconds=self.progress.seconds + time.monotonic() - began)
        save_progress(self._spec.folder, self.progress)
        said, references = self._measured(outputs, self._validation, self._data.validation)
        return self._point(said, references, validation_loss)

    def advance_unscored(self, until_step: int, heartbeat: OnHeartbeat) -> RefitPoint:
        """Trained to a step and saved; nothing is held out that it could be scored on.

        Args:
            until_step: Where the slice ends; cut to the last step.
            heartbeat: Told after every step.

        Raises:
            DivergedError: The loss went where there is no way back; the last slice's state stays.
        """
        losses = [] if self.has_ended else self._train_to(min(until_step, self.total_steps), heartbeat)
        if losses:
            self.progress = replace(self.progress, loss=float(np.mean(losses)))
            self._state.save(self._spec.folder, self.progress)
        return RefitPoint(step=self.progress.step, total_steps=self.total_steps, loss=self.progress.loss)

    @property
    def head(self) -> LinearClassifier:
        """The head as it stands, as a program uses it that knows only its outputs."""
        return self._task.exported(self._model.classifier())

    def score_test(self) -> TestScore:
        """What is trained so far, scored on the test part.

        Raises:
            ValueError: The split names none.
        """
        if not len(self._test):
            raise ValueError("the split has no test part")
        spec = self._spec
        predictions, references = self._measured(self._outputs(self._test), self._test, self._data.test)
        return TestScore(
            step=self.progress.step,
            metric=self._task.compute(spec.metric, predictions, references),
            std_error=self._task.standard_error(spec.metric, predictions, references, seed=spec.seed),
            n_examples=len(references),
        )

    def _train_to(self, until_step: int, heartbeat: OnHeartbeat) -> list[float]:
        self._replicas.train(mode=True)
        losses = []
        for step in range(self.progress.step, until_step):
            with self._timed():
                losses.append(self._step(step))
            if self._task.has_diverged(losses[-1]):
                raise DivergedError(step, losses[-1])
            heartbeat(Heartbeat(stage="training", done=step + 1, total=self.total_steps, loss=losses[-1]))
        self.progress = replace(self.progress, step=max(until_step, self.progress.step))
        return losses

    def _step(self, step: int) -> float:
        """One optimiser step; its loss before the update."""
        recipe = self._spec.recipe
        self._replicas.seed(self._spec.seed * _STEP_SEED_STRIDE + step)
        rate = full.rate_at(
            step,
            peak=recipe.learning_rate,
            total_steps=self.total_steps,
            warmup_fraction=recipe.warmup_fraction,
        )
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        self._optimizer.zero_grad(set_to_none=True)
        loss = self._accumulate(self._rows_of(step), seed=self._spec.seed * _STEP_SEED_STRIDE + step)
        self._replicas.gather_gradients()
        self._precision.update(self._optimizer, self._model.parameters())
        self._adaptation.after_step(step)
        self._replicas.spread_weights()
        return loss

    def _accumulate(self, rows: NDArray[np.int64], *, seed: int) -> float:
        """Gradients of a batch, a micro-batch a device at a time, weighing as its examples do; the loss."""
        losses: list[Tensor] = []
        chunk = (self._spec.recipe.micro_batch or len(rows)) * len(self._replicas)
        weights, importance = self._spec.recipe.class_weights, self._task.importance
        whole = importance(self._targets_of(rows).numpy(), weights)
        for start in range(0, len(rows), chunk):
            for model, device, part in self._replicas.parted(rows[start : start + chunk]):
                with self._precision.autocast():
                    outputs = model(self._train.training_batch(part, seed).to(device))
                    targets = self._targets_of(part)
                    given = None if self._class_weights is None else self._class_weights.to(device)
                    share = importance(targets.numpy(), weights) / whole
                    found = self._task.loss(outputs, targets.to(device), given) * share
                    penalty = None if losses else self._adaptation.penalty()
                losses.append(found.detach())
                self._precision.backward(found if penalty is None else found + penalty)
        return sum(float(loss) for loss in losses)  # only now does the processor wait for the cards

    def _targets_of(self, rows: NDArray[np.int64]) -> Tensor:
        """Of the units of these training examples."""
        return self._targets[torch.from_numpy(units_of(self._train.n_units, rows))]

    def _rows_of(self, step: int) -> NDArray[np.int64]:
        epoch, position = divmod(step, self._steps_per_epoch)
        if self._batches[0] != epoch:
            batches = full.epoch_batches(
                self._train.lengths, self._spec.recipe.batch_size, seed=self._spec.seed, epoch=epoch
            )
            self._batches = (epoch, batches)
        return self._batches[1][position]

    @contextmanager
    def _timed(self) -> Iterator[None]:
        """What is done within counts as passes; every pass ends with a number that has left the device."""
        began = time.monotonic()
        yield
        self._pass_seconds += time.monotonic() - began

    def _outputs(self, texts: Encoded) -> Tensor:
        """Of the units of n texts, shape (U, K)."""
        self._replicas.train(mode=False)
        counts = texts.n_units
        outputs = torch.empty(int(counts.sum()), self._model.n_outputs)
        with self._timed(), torch.inference_mode(), self._precision.autocast():
            for rows in length_sorted_batches(texts.lengths, VALIDATION_TOKENS * len(self._replicas)):
                found = [
                    (part, model(texts.batch(part).to(device)))
                    for model, device, part in self._replicas.parted(rows)
                ]
                for part, some in found:
                    outputs[torch.from_numpy(units_of(counts, part))] = some.cpu()
        return outputs

    def _measured(self, outputs: Tensor, texts: Encoded, part: Part) -> tuple[Any, Any]:
        """Predictions and truth as the metrics read them; of some examples where the model has to write."""
        if isinstance(texts, Writings) and self._task.measures_texts(self._spec.metric):
            rows = written_rows(len(texts))
            return self._written(texts, rows), self._task.references(part.targets[rows])
        said = self._task.per_example(self._task.decide(outputs.numpy()), texts.n_units, part)
        return said, self._task.references(part.targets)

    def _written(self, texts: Writings, rows: NDArray[np.int64]) -> list[str]:
        """What the model writes of these, at most as long as the training answers are."""
        if not isinstance(self.backbone, Writer) or not isinstance(self._train, Writings):
            raise TypeError("this model does not write")
        self._replicas.train(mode=False)
        with self._timed(), self._precision.autocast():
            return self.backbone.write(texts, rows, self._train.typical_answer)

    def _note(self, losses: list[float], validation_loss: float) -> None:
        best = self.progress.best_validation_loss
        improved = best is None or validation_loss < best
        self.progress = replace(
            self.progress,
            loss=float(np.mean(losses)) if losses else self.progress.loss,
            best_validation_loss=validation_loss if improved else best,
            n_worse=0 if improved else self.progress.n_worse + (1 if losses else 0),
        )

    def _point(self, predictions: Any, references: Any, validation_loss: float) -> SlicePoint:  # noqa: ANN401
        spec, progress = self._spec, self.progress
        n_epochs, position = divmod(progress.step, self._steps_per_epoch)
        n_train, batch_size = len(self._train), spec.recipe.batch_size
        return SlicePoint(
            step=progress.step,
            total_steps=progress.step if self.has_ended else self.total_steps,
            examples_seen=n_epochs * n_train + min(position * batch_size, n_train),
            seconds=progress.seconds,
            pass_seconds=self._pass_seconds,
            loss=progress.loss,
            validation_loss=validation_loss,
            metric=self._task.compute(spec.metric, predictions, references),
            std_error=self._task.standard_error(spec.metric, predictions, references, seed=spec.seed),
        )


def _encoded(
    spec: TrialSpec, backbone: LoadedBackbone, data: TrialData, max_length: int, task: ProbeTask
) -> tuple[Encoded, Encoded, Encoded]:
    """Training, validation and test part as the backbone reads them.

    Its vocabulary is cut to their tokens, but where it writes: any token may be written.
    """
    every = (data.train, data.validation, data.test)
    if isinstance(backbone, Writer):
        train, validation, test = (backbone.read(task.pages(part), max_length) for part in every)
        return train, validation, test
    if isinstance(backbone, ItemBackbone):
        raise ItemsOnlyError
    if isinstance(backbone, FileBackbone):
        files = [backbone.read(part.paths, max_length) for part in every]
        return files[0], files[1], files[2]

    def encoded(part: Part) -> TokenizedTexts | TextsApart:
        if not task.reads_apart:
            return tokenize(spec, backbone, part.inputs, max_length)
        first, second = (tokenize(spec, backbone, t, max_length) for t in (part.texts, part.pairs or ()))
        return TextsApart.of(first, second)

    parts = [encoded(part) for part in every]
    new_ids = backbone.restrict_vocabulary(np.unique(np.concatenate([part.ids for part in parts])))
    return parts[0].renumbered(new_ids), parts[1].renumbered(new_ids), parts[2].renumbered(new_ids)

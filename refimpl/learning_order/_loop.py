"""Phases of a run of Algorithms 1 and 2, and the loop over its updates."""

from dataclasses import dataclass, field
from math import expm1, log1p, sqrt

import numpy as np

from refimpl.learning_order._engines import slopes
from refimpl.learning_order._record import Recorder
from refimpl.learning_order._two_layer_relu import logistic_loss
from refimpl.sgd._status import DIVERGED, STOPPED, SUCCESS, diverged

_LIMIT = 1e12  # |f| beyond which a run has diverged


@dataclass(frozen=True)
class Phase:
    """Updates at one rate and one noise before activations, until a loss or for a number of updates."""

    lr: float
    target: float | None          # training loss that ends the phase; None: none does
    steps: int | None = None      # updates that end it, whatever the loss
    lump: int = 1
    preactivation_std: float = 0.0

    def ends(self, loss, made):
        """Whether it ends at this training loss, after so many of its updates."""
        return (self.target is not None and loss <= self.target) or (self.steps is not None and made >= self.steps)

    def update(self, weight_decay, noise_std):
        """(decay, rate, noise std) of `lump` steps with the gradient frozen; decay and noise are summed exactly."""
        if self.lump == 1:
            return 1 - self.lr * weight_decay, self.lr, self.lr * noise_std
        exponent = log1p(-self.lr * weight_decay)
        rate = -expm1(self.lump * exponent) / weight_decay
        spread = expm1(2 * self.lump * exponent) / expm1(2 * exponent)
        return 1 - weight_decay * rate, rate, self.lr * noise_std * sqrt(spread)


@dataclass(frozen=True)
class Options:
    """What all phases of a run share."""

    weight_decay: float
    noise_std: float
    max_steps: int
    record_every: int
    noise: np.ndarray | None  # (T, m, 2d)
    rng: object


@dataclass(frozen=True)
class Run:
    """A training run; K records.

    Attributes
    ----------
    success : bool
        Whether the target loss was reached.
    status : int
        0 reached the target, 1 diverged, 2 out of steps.
    nit : int
        Updates made; a lumped update counts once.
    message : str
        What happened, in one sentence.
    anneal_step : int
        Update before which the rate (or the noise before activations) was
        lowered; −1 where it never was.
    anneal_time : float
        Σ of the learning rates up to there; NaN where it never was.
    time : ndarray (K,)
        Σ of the learning rates.
    observed : dict of str to ndarray (K,) or (K, 3)
        ``loss``, ``loss_p``, ``loss_q``, ``loss_both``: training losses, whole and by subset; ``accuracy_p``,
        ``accuracy_q`` beside them. ``loss_r``: training loss of r alone on M₁ (Lemma 4.4). ``test_error``,
        ``test_loss`` and both with ``_p``, ``_q``, ``_both``: weighted and by subset. ``g``: g on z − ζ, z, z + ζ.
        ``curvature``: D = g(z+ζ) + g(z−ζ) − 2g(z). ``turnover``: fraction of V's pattern on z that differs from the
        start. ``signal_norm``: ‖Ū‖_F². ``signal_m2``: ‖W̄⁽²⁾‖_F of (5.1), the signal of W from examples with x₂ ≠ 0.
        ``odd``: ‖½ Σ_j w_j W_j‖ of the signal from P-only examples, of W̄⁽²⁾ and of the noise (Lemma 5.3). A subset
        without examples gives NaN; so do ``signal_m2`` and ``odd`` for a model that is not in block form.
    signal, noise : ndarray (m, 2d)
        Ū and Ũ of (3.4) at the end; the reduced engine leaves V's coordinates
        outside span(z, ζ) at 0.
    """

    success: bool
    status: int
    nit: int
    message: str
    anneal_step: int
    anneal_time: float
    time: np.ndarray
    observed: dict = field(repr=False)
    signal: np.ndarray = field(repr=False)
    noise: np.ndarray = field(repr=False)


class Loop:
    """The updates of an engine through the phases."""

    def __init__(self, engine, data, phases, options, test):
        self.engine, self.data, self.phases, self.options = engine, data, phases, options
        self.recorder = Recorder(engine, data, test)
        self.phase, self.begun, self.time, self.anneal = 0, 0, 0.0, (-1, np.nan)

    def run(self):
        """Until the last phase ends, the run diverges, or updates are used up: a `Run`."""
        last = self.options.max_steps
        for step in range(last + 1):
            phase = self.phases[self.phase]
            before = self._noise_before_activations()
            output = self.engine.outputs(before)
            losses = logistic_loss(self.data.y * output)
            loss = losses.mean()
            ended, lost = phase.ends(loss, step - self.begun), diverged(output, _LIMIT)
            if lost or ended or step % self.options.record_every == 0 or step == last:
                self.recorder.record(output, losses, self.time)
            finished = ended and self.phase + 1 == len(self.phases)
            if lost or finished or (step == last and not ended):
                break
            if ended:
                self.phase, self.begun, self.anneal = self.phase + 1, step, (step, self.time)
                if before is not None:
                    output = self.engine.outputs(self._noise_before_activations())
            if step == last:
                break
            self._update(step, output)
        return self._result(DIVERGED if lost else SUCCESS if finished else STOPPED, step, loss)

    def _noise_before_activations(self):
        std = self.phases[self.phase].preactivation_std
        return self.engine.preactivation_noise(self.options.rng, std) if std else None

    def _update(self, step, output):
        phase, noise = self.phases[self.phase], self.options.noise
        decay, rate, std = phase.update(self.options.weight_decay, self.options.noise_std)
        if noise is None:
            drawn = self.engine.draw(self.options.rng)
        else:
            drawn, std = self.engine.increment(noise[step]), phase.lr
        self.engine.step(slopes(output, self.data.y), decay, rate, drawn, std)
        self.time += phase.lr * phase.lump

    def _result(self, status, step, loss):
        message = (f"reached a training loss of {loss:.4g} after {step} updates", f"diverged at update {step}",
                   f"training loss {loss:.4g} after all {step} updates")[status]
        signal, noise = self.engine.weights()
        return Run(success=status == SUCCESS, status=status, nit=step, message=message, anneal_step=self.anneal[0],
                   anneal_time=self.anneal[1], time=np.array(self.recorder.times), observed=self.recorder.observed(),
                   signal=signal, noise=noise)

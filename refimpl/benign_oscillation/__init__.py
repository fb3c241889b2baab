r"""Simulate Lu, Wu, Yang and Zou 2024: a strong and a weak feature, and SGD with a large learning rate.

An example has three patches: the strong one y·u (noise in a weak example), the
weak one y·v, and noise. The network is f = F₊ − F₋ with

.. math:: F_j(x) = \frac1m \sum_r \sum_p \sigma(\langle w_{j,r}, x_p \rangle), \qquad \sigma(z) = \max(z, 0)^2,

and the loss is (f − y)² **without** ½, a mean over the batch. With it the one
number that matters is c = 4η|u|²/m. (The poster's picture of one example drops
the 1/m of the network; there c = 4η|u|².)

`train` runs SGD in the space of inner products with the patches, where nothing
is lost and a step is cheap; `refimpl.sgd.run` on `TwoLayerCNN` is the same
dynamics in all d dimensions, and `descend_reduced` that of one example in four.
"""

from theory import _checks
from refimpl._renamed import old_constants
from refimpl.benign_oscillation._data import Data, sample, two_patches
from refimpl.benign_oscillation._reduced_map import descend_reduced
from refimpl.benign_oscillation._train import Training, train
from refimpl.benign_oscillation._two_layer_cnn import TwoLayerCNN, accuracy, strengths
from refimpl.sgd._status import DIVERGED, SUCCESS

__all__ = ["TwoLayerCNN", "sample", "two_patches", "Data", "train", "Training", "descend_reduced", "strengths",
           "accuracy", "DIVERGED", "SUCCESS"]

__getattr__ = old_constants(__name__, COMPLETED="SUCCESS")

_checks.publish(__name__)

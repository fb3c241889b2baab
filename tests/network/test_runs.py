"""Image sets of the user's own in the figures of the study."""

import numpy as np
import pytest
from numpy.testing import assert_allclose


def write_idx(directory, rng, n, side=4):
    """Tiny IDX files: class 0 dark, class 1 bright, and a third class that is left out."""
    for split in ("train", "t10k"):
        labels = rng.integers(3, size=n).astype(np.uint8)
        labels[:2] = 0, 1
        images = np.clip(rng.normal(70 + 60.0 * labels[:, None, None], 25, (n, side, side)), 0, 255).astype(np.uint8)
        for name, array in ((f"{split}-images-idx3-ubyte", images), (f"{split}-labels-idx1-ubyte", labels)):
            header = bytes((0, 0, 8, array.ndim)) + b"".join(size.to_bytes(4, "big") for size in array.shape)
            (directory / name).write_bytes(header + array.tobytes())


@pytest.mark.claim("WME18.tab1-gd")
def test_figures_take_image_sets_from_disk(tmp_path, rng, monkeypatch):
    from figures import network as drawn
    from figures.network._runs import measure, task

    monkeypatch.setattr(drawn, "MOST_STEPS", 500)
    write_idx(tmp_path, rng, 60)
    found, turned = task(tmp_path), task(tmp_path, corrupt=True)
    assert found.x.shape == (len(found.y), 16) and set(found.y) == {-1.0, 1.0} and found.name == "IDX"
    assert_allclose([found.x.mean(), found.x.std()], [0, 1], atol=1e-12)
    assert (found.y != turned.y).sum() == round(0.25 * len(found.y))
    assert found.x[found.y > 0].mean() > found.x[found.y < 0].mean()
    minimum = measure(found, found.model.init(rng), 4, rng)
    assert 0 < minimum.critical_lr <= 2 / minimum.sharpness * 1.01
    rows = drawn.table_one("quick", rng, tmp_path).rows
    assert {row.claim for row in rows} == set(drawn.FIGURES[0].claims)

"""The three arms: who learns the patch when, what is learned of the images, and sets from disk.

Each test says which wrong answer it would catch and shows it caught. Runs
whose spread has no law are fixed, not drawn anew by --rng-seed; the figures
draw many.
"""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from figures import images as drawn
from figures.images import _arms
from figures.images._runs import binomial, problem
from refimpl import images
from tests import support
from theory import images as theory

pytestmark = pytest.mark.chance("exact")

# accuracy on the 20 patches, by 4.9 binomial standard errors: what is learned lies above, what is not below
LEARNED, KEPT_OUT = 1 - binomial(1.0, 20), 0.1 + binomial(0.1, 20)


@pytest.mark.claim("LWM19.img-noise-form", "LWM19.img-noise")
def test_only_shared_noise_keeps_the_patch_from_being_learned():
    seed = 0
    sets = images.draw_problem(validation=10, patch_validation=10, rng=seed)
    options = {"epochs": 10, "anneal": 10, "record_every": 10, "rng": seed}
    shared, independent = (images.run_arm(sets, "noise", preactivation_form=form, **options)
                           for form in ("shared", "independent"))
    assert shared.accuracy["patch"][-1] <= KEPT_OUT < LEARNED <= independent.accuracy["patch"][-1]


def test_sets_of_a_problem_are_what_they_say(rng):
    """From given images the first n and no more; what is clean bears no patch, what is a patch bears nothing else, and
    its two signs differ."""
    given = [(rng.standard_normal((9, 3, 14, 14)), np.arange(9) % 3) for _ in range(2)]
    sets = images.draw_problem(6, validation=4, patch_validation=5, images=given, rng=rng)
    assert [len(part.images) for part in (sets.plain, sets.train, sets.clean, sets.mixed)] == [6, 6, 4, 4]
    assert (sets.plain.kind == images.CLEAN).all() and (sets.clean.kind == images.CLEAN).all()
    assert (sets.patch_only.kind == images.PATCH_ONLY).all() and (sets.patch_random.kind == images.PATCH_ONLY).all()
    assert len(np.unique(sets.patch_only.images.reshape(len(sets.patch_only.images), -1), axis=0)) == len(
        sets.patch_only.images)


@pytest.fixture(scope="module")
def small_study():
    """The three arms on 2000 images, annealed at epoch 14 of 36, with the control without separation."""
    seed = [0, 7]
    sets = images.draw_problem(validation=2000, patch_validation=200, rng=seed)
    runs = {name: images.run_arm(sets, name, epochs=36, anneal=14, record_every=4, rng=seed) for name in images.ARMS}
    return sets, runs, seed


def recorded(run, epoch, kind):
    return run.accuracy[kind][np.flatnonzero(run.epochs == epoch)[0]]


@pytest.mark.claim("LWM19.img-order", "LWM19.img-noise")
def test_patch_is_learned_first_by_the_small_rate(small_study):
    """The small rate has the patch at epoch 4, the others near chance until annealing; afterwards they learn it.

    Limits by hand: two of 20 patches more, and an active share of .06, of which a start has .5.
    """
    _, runs, _ = small_study
    assert all(run.success for run in runs.values())
    assert min(recorded(runs["small"], epoch, "patch") for epoch in (4, 12)) >= LEARNED
    for name in ("large", "noise"):
        held = np.mean([recorded(runs[name], epoch, "patch") for epoch in (4, 8, 12)])
        assert held <= KEPT_OUT and runs[name].accuracy["patch"][-1] >= held + 0.1
        assert runs[name].observed["active"][3] < 0.06 < runs["small"].observed["active"][3]


@pytest.mark.claim("LWM19.img-clean", "LWM19.img-fraction", "LWM19.img-noise")
def test_clean_images_are_learned_from_what_the_patch_leaves(small_study):
    """The small rate ends nearer to the clean 20 % alone than half-way to the large one, the others above it by more
    than chance allows."""
    sets, runs, seed = small_study
    alone = images.run_arm(sets, "small", data=sets.train.only(images.CLEAN), batch_size=16, epochs=30,
                           record_every=30, rng=seed)
    small, few = runs["small"].accuracy["clean"][-1], alone.accuracy["clean"][-1]
    assert abs(small - few) < (recorded(runs["large"], 12, "clean") - few) / 2
    error = np.sqrt(2) * support.binomial_error(0.75, 2000)   # more than that of a paired difference
    assert recorded(runs["large"], 12, "clean") - small > error
    assert runs["noise"].accuracy["clean"][-1] - small > 0
    first, ignored = theory.picture_shares()
    assert ignored > 4 * first


@pytest.mark.claim("LWM19.img-clean", "LWM19.img-order")
def test_without_separation_there_is_no_gap(small_study):
    """ζ = 0: the patch stays at chance exactly, and the rates end alike on clean images.

    .06 is a limit by hand: the large rate is .044 behind here, and .057–.083 ahead where there is a separation.
    """
    _, _, seed = small_study
    sets = images.draw_problem(1000, validation=1000, patch_validation=10, separation=0.0, rng=seed)
    runs = [images.run_arm(sets, name, epochs=24, anneal=10, record_every=24, rng=seed) for name in ("large", "small")]
    assert all(run.accuracy["patch"][-1] == 0.1 for run in runs)
    assert runs[0].accuracy["clean"][-1] - runs[1].accuracy["clean"][-1] < 0.06


@pytest.mark.claim("LWM19.img-fig1")
def test_mixed_accuracy_is_the_mean_over_kinds(small_study):
    """An identity on the very images, and with the patch known or ignored a prediction from clean accuracy alone.

    Limits by hand: the slides' shares miss by .04 of an accuracy; the gap, −.21, is .04 from its prediction.
    """
    sets, runs, _ = small_study
    net, w = sets.model, runs["small"].w
    parts = [net.accuracy(w, part.images, part.labels) for part in (sets.mixed.only(kind) for kind in range(3))]
    measured = runs["small"].accuracy["mixed"][-1]
    assert_allclose(theory.mixed_accuracy(*parts), measured, rtol=1e-6)
    slides = (0.2, 0.16, 0.60)
    assert abs(sum(share * part for share, part in zip(slides, parts)) - measured) > 0.02
    clean = [recorded(runs[name], 12, "clean") for name in ("large", "small")]
    predicted = theory.mixed_accuracy(clean[0], 0.1, clean[0]) - theory.mixed_accuracy(clean[1], 1.0, 1.0)
    gap = recorded(runs["large"], 12, "mixed") - recorded(runs["small"], 12, "mixed")
    assert gap < -0.1 and abs(gap - predicted) < 0.1


@pytest.mark.claim("LWM19.img-fig1")
def test_on_plain_images_the_large_rate_is_ahead_from_the_start(small_study):
    """Figure 1 has it behind until annealing."""
    sets, _, seed = small_study
    runs = [images.run_arm(sets, name, data=sets.plain, epochs=4, anneal=4, record_every=4, rng=seed)
            for name in ("large", "small")]
    assert runs[0].accuracy["clean"][-1] > runs[1].accuracy["clean"][-1]
    assert runs[0].loss["train"][-1] < runs[1].loss["train"][-1]


def test_starts_do_not_depend_on_the_arm():
    sets = images.draw_problem(64, validation=8, patch_validation=4, rng=0)
    runs = [images.run_arm(sets, name, epochs=1, rng=5) for name in images.ARMS]
    assert len({run.loss["train"][0] for run in runs}) == 1 and len({run.loss["train"][-1] for run in runs}) == 3


@pytest.fixture
def cifar(tmp_path, rng):
    """A directory with random images in the binary format of CIFAR-10."""
    for name, count in (("data_batch_1.bin", 120), ("data_batch_2.bin", 80), ("test_batch.bin", 90)):
        records = rng.integers(256, size=(count, 1 + 3 * 32 * 32), dtype=np.uint8)
        records[:, 0] = np.arange(count) % 10
        (tmp_path / name).write_bytes(records.tobytes())
    return tmp_path


def test_cifar_files_take_the_place_of_synthetic_images(cifar):
    sets = problem(1, cifar, patch_validation=6)
    net = sets.model
    assert sets.train.images.shape == (200, 3, 32, 32) and len(sets.clean.labels) == 90 and net.grid == (5, 5)
    assert_allclose(sets.plain.images.std(), 0.2, rtol=1e-3)
    assert_allclose(sets.plain.images.mean(axis=(0, 2, 3)), 0, atol=1e-6)
    # The patch, at the image's centre, fills the block in the middle of the grid.
    blocks = net.blocks(sets.patch_only.images)
    assert_array_equal(blocks[:, 12], sets.patches.variants().reshape(20, -1).astype(np.float32))
    assert not np.delete(blocks, 12, axis=1).any()
    assert images.run_arm(sets, "small", epochs=1, model=replace(net, filters=8), rng=0).success


def test_examples_are_drawn_from_cifar_files(cifar):
    """Every row agrees on random bytes in CIFAR's format; a share of clean images of 80 % is caught by the row."""
    figure = drawn.FIGURES[0]
    numbers = figure.simulate("quick", np.random.default_rng(0), cifar)
    assert numbers["clean"].shape == (6, 3, 32, 32) and numbers["data"] == "CIFAR-10"
    assert all(row.verdict == "agrees" for row in figure.judge(numbers))
    assert figure.judge({**numbers, "shares": numbers["shares"][::-1]})[0].verdict == "differs"


def test_rows_of_any_set_are_judged_by_standard_errors():
    """Nothing learned: no row agrees or differs. Five seeds in which the large rate has the patch at once and the small
    one never, and is behind on clean images: the rows differ, on another set as on the synthetic one."""
    epochs = np.arange(0, 121, 2)
    flat = np.full((5, len(epochs)), 0.5) + 0.001 * np.arange(5)[:, None]
    numbers = {"epochs": epochs, "anneal": 40, "target": 0.6, "alone": np.full(5, 0.5), "validation": 2000,
               "classes": 2, "patches": 20, "filters": np.array([16]), "equal_large": flat[:, :1].T,
               "equal_small": flat[:, :1].T, "data": "CIFAR-10",
               **{f"{name}_{kind}": flat for name in images.ARMS for kind in ("clean", "patch", "mixed", "active",
                                                                              "loss", "train")}}
    wrong = {**numbers, "large_patch": flat + 0.49, "small_patch": flat - 0.4, "large_clean": flat - 0.2,
             "equal_large": numbers["equal_large"] - 0.2}
    for figure, claims in ((drawn.FIGURES[1], {"LWM19.img-order", "LWM19.img-clean"}),
                           (drawn.FIGURES[2], {"LWM19.img-fig1"})):
        idle = [row for row in figure.judge(numbers) if "alone" not in row.quantity]
        assert {row.verdict for row in idle} == {"not judged"}
        for name in ("CIFAR-10", "synthetic images"):
            assert claims <= {row.claim for row in figure.judge({**wrong, "data": name}) if row.verdict == "differs"}


@pytest.mark.claim("LWM19.img-fig1")
def test_the_loss_on_mixed_images_is_told_from_none_and_from_twice_it():
    """Patch known to the small rate alone: half-way to no loss, or to twice the predicted one, is as far as agrees."""
    epochs, flat = np.array([0, 40, 120]), np.full((5, 3), 0.5)
    numbers = {"epochs": epochs, "anneal": 40, "validation": 2000, "classes": 10, "large_clean": flat,
               "small_clean": flat, "small_mixed": flat, "large_patch": flat - 0.4, "small_patch": flat + 0.5}
    lost = theory.mixed_accuracy(0.5, 0.1, 0.5) - theory.mixed_accuracy(0.5, 1.0, 1.0)
    for share, verdict in ((1.0, "agrees"), (0.6, "agrees"), (1.4, "agrees"), (0.4, "differs"), (1.6, "differs")):
        numbers["large_mixed"] = flat + share * lost
        assert _arms.mixed(numbers)[0].verdict == verdict


def test_accuracy_at_equal_loss_is_that_of_the_first_epoch_below():
    run = SimpleNamespace(loss={"train": np.array([1.0, 0.5, 0.6, 0.2])},
                          accuracy={"clean": np.array([0.1, 0.4, 0.5, 0.9])})
    assert [images.at_equal_loss(run, name="clean", target=target) for target in (0.55, 0.5, 0.2)] == [0.4, 0.4, 0.9]
    assert np.isnan(images.at_equal_loss(run, name="clean", target=0.1))

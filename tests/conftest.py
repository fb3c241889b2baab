"""One option, ``--rng-seed``, feeds every random test and hypothesis."""

import figures  # noqa: F401  (first: it keeps matrix products to one thread, which is faster for small ones)

import gc
import zlib

import hypothesis
import numpy as np
import pytest

from tests import two_processes
from tests.two_processes import pytest_runtestloop  # noqa: F401  (a hook)

gc.set_threshold(20_000, 50, 1000)  # little is in cycles: looked for as often as Python does, they take 12 s of 230

hypothesis.settings.register_profile("house", deadline=None, database=None, print_blob=True, max_examples=40,
                                     suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("house")


def pytest_addoption(parser):
    two_processes.add_options(parser)
    parser.addoption("--rng-seed", type=int, default=20181203, help="seed of all random tests (default: %(default)s)")
    parser.addoption("--fixed-seed", type=int, default=0, help="seed of the fixture `fixed` (default: %(default)s)")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    # The plugin of hypothesis reads this option when it is configured itself.
    if config.getoption("--hypothesis-seed") is None:
        config.option.hypothesis_seed = config.getoption("--rng-seed")


def pytest_collection_finish(session):
    """What collection made stays: nobody need look through it again for garbage."""
    gc.collect()
    gc.freeze()


def pytest_report_header(config):
    return f"rng-seed: {config.getoption('--rng-seed')}"


@pytest.fixture(scope="session")
def rng_seed(request):
    """What --rng-seed says; whatever depends on it asks for it or for `rng`."""
    return request.config.getoption("--rng-seed")


@pytest.fixture
def rng(request, rng_seed):
    """A generator of the test's own, from --rng-seed and the test's name."""
    return np.random.default_rng([rng_seed, zlib.crc32(request.node.name.encode())])


@pytest.fixture
def fixed(request):
    """A generator that does not follow --rng-seed, for runs on nets whose spread has no known law: see README.md."""
    return np.random.default_rng(request.config.getoption("--fixed-seed"))


@pytest.fixture(params=["drawn", "chosen"])
def example(request, rng, fixed):
    """(generator, whether it is `fixed`): what holds is asked of both, the null, which may come near, of the chosen."""
    return (fixed, True) if request.param == "chosen" else (rng, False)

"""One trained classifier for all tests of this folder: training takes seconds."""

from __future__ import annotations

from pathlib import Path

import pytest

from labeling.classifier import DomainClassifier, train


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a classifier trained on the committed passages."""
    folder = tmp_path_factory.mktemp("classifier")
    train(folder)
    return folder


@pytest.fixture(scope="session")
def classifier(model: Path) -> DomainClassifier:
    """That classifier, loaded."""
    return DomainClassifier.load(model)

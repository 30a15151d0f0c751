"""pyproject.toml, environment.yml, constraints.txt and the layers of imports say the same."""

import tomllib
from collections import Counter
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

REPOSITORY = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def project() -> dict:
    return tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def conda() -> dict:
    return yaml.safe_load((REPOSITORY / "environment.yml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def pins() -> list[Requirement]:
    lines = (REPOSITORY / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return [Requirement(line) for line in lines if line.strip() and not line.startswith("#")]


def needed(project: dict) -> list[Requirement]:
    """What the package and its tests need; the peers of the benchmarks clash with it and are no part."""
    return [Requirement(text) for text in [*project["dependencies"], *project["optional-dependencies"]["dev"]]]


def pip_lines(conda: dict) -> list[str]:
    (pip,) = [entry["pip"] for entry in conda["dependencies"] if isinstance(entry, dict)]
    return pip


def test_conda_installs_what_pyproject_asks_for(project, conda):
    packages = [Requirement(line) for line in pip_lines(conda) if not line.startswith("-")]
    as_text = lambda requirements: sorted(str(requirement) for requirement in requirements)
    assert as_text(packages) == as_text(needed(project))


def test_conda_installs_the_package_itself_with_the_same_versions(conda):
    assert [line for line in pip_lines(conda) if line.startswith("-")] == ["-c constraints.txt", "-e ."]


def test_condas_python_is_one_the_package_supports(project, conda):
    assert conda["channels"] == ["conda-forge"]
    (python,) = [entry for entry in conda["dependencies"] if isinstance(entry, str) and entry.startswith("python=")]
    version = python.partition("=")[2]
    assert SpecifierSet(project["requires-python"]).contains(version)
    assert "pip" in conda["dependencies"]


def test_every_dependency_is_pinned_once_to_a_version_it_allows(project, pins):
    counts = Counter(canonicalize_name(pin.name) for pin in pins)
    assert [name for name, count in counts.items() if count > 1] == []
    versions = {canonicalize_name(pin.name): str(pin.specifier) for pin in pins}
    assert all(version.startswith("==") for version in versions.values())
    for requirement in needed(project):
        version = versions[canonicalize_name(requirement.name)].removeprefix("==")
        assert requirement.specifier.contains(version), f"{requirement} is pinned to {version}"


def test_torch_is_pinned_to_the_version_everything_was_measured_with(pins):
    (torch,) = [pin for pin in pins if pin.name == "torch"]
    assert str(torch.specifier) == "==2.13.0"


def test_this_environment_has_the_pinned_versions(project, pins):
    """Otherwise the tests ran against something else."""
    from importlib.metadata import version

    pinned = {canonicalize_name(pin.name): str(pin.specifier).removeprefix("==") for pin in pins}
    for requirement in needed(project):
        installed = Version(version(requirement.name)).public
        assert installed == Version(pinned[canonicalize_name(requirement.name)]).public, requirement.name

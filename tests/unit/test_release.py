"""What has to agree for a release, and for the workflows."""

import yaml

import benchloom
from benchloom.base import toml
from benchloom.index.built_in import built_in_repository


def test_the_version_is_the_same_wherever_it_stands():
    root = built_in_repository()
    project = toml.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    cited = yaml.safe_load((root / "CITATION.cff").read_text(encoding="utf-8"))
    assert project["version"] == benchloom.__version__ == cited["version"]
    assert project["license"] == cited["license"]


def test_ci_runs_every_python_that_the_project_supports():
    root = built_in_repository()
    project = toml.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    stated = [item.rpartition(" ")[2] for item in project["classifiers"] if ":: Python :: 3." in item]
    workflow = yaml.safe_load((root / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))
    assert workflow["jobs"]["run"]["strategy"]["matrix"]["python"] == stated

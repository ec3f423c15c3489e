"""What engineers install: `explainers`, without the app."""

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from ui import catalogue

ROOT = catalogue.ROOT
APP = {"streamlit", "plotly", "prometheus_client"}
# The app's own libraries are not there: importing one of them fails.
ALONE = "import sys; sys.modules.update(dict.fromkeys({app!r})); "


def pip(*arguments: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", *arguments],
        check=True,
        cwd=ROOT,
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    # Built from a copy: a build leaves its folders beside the source.
    tracked = ["explainers", "assets/pictures", "pyproject.toml", "setup.py", "README.md"]
    for name in tracked:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cp", "-r", str(ROOT / name), str(source / name)], check=True)
    pip("wheel", str(source), "--no-deps", "--no-build-isolation", "--no-index", "-w", str(folder))
    (found,) = folder.glob("*.whl")
    return found


def test_the_wheel_holds_explainers_and_their_pictures_and_nothing_of_the_app(wheel: Path) -> None:
    names = [name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name]
    assert {name.split("/")[0] for name in names} == {"explainers"}
    for folder, packed in (("explainers", ""), ("assets/pictures", "_pictures/")):
        there = {
            f"explainers/{packed}{path.relative_to(ROOT / folder).as_posix()}"
            for ending in ("*.py", "*.png")
            for path in (ROOT / folder).rglob(ending)
        }
        assert there <= set(names)


def test_installed_alone_it_runs_the_readmes_example(wheel: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    pip("install", str(wheel), "--no-deps", "--no-index", "--target", str(site))
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", readme, flags=re.DOTALL)
    pictures = "from explainers.pictures import picture; print(tuple(picture('card').shape))\n"
    found = subprocess.run(
        [sys.executable, "-P", "-c", ALONE.format(app=APP) + "\n" + example + pictures],
        env={**os.environ, "PYTHONPATH": str(site)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    assert "Turns the picture 30° counter-clockwise." in found.stdout
    assert "(3, 128, 128)" in found.stdout


def test_it_asks_for_what_it_imports_in_the_apps_own_versions() -> None:
    asked = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    pinned = (ROOT / "requirements.txt").read_text().split()
    assert set(asked) <= set(pinned)
    assert {line.partition("==")[0] for line in pinned} - {
        line.partition("==")[0] for line in asked
    } == APP

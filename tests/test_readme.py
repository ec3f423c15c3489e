"""What the README says holds."""

import re
import runpy
from pathlib import Path

from ui import catalogue

README = (catalogue.ROOT / "README.md").read_text(encoding="utf-8")


def test_the_list_of_pages_is_the_catalogues() -> None:
    listed = README.split("<!-- pages -->")[1].split("<!-- /pages -->")[0]
    rows = [line.strip("| ").split(" | ") for line in listed.strip().splitlines()[2:]]
    assert rows == [[page.chapter, page.title, page.question] for page in catalogue.PAGES]


def test_its_python_runs(tmp_path: Path, capsys) -> None:
    (block,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    (tmp_path / "example.py").write_text(block)
    runpy.run_path(str(tmp_path / "example.py"))
    assert "Turns the picture 30° counter-clockwise." in capsys.readouterr().out


def test_its_picture_is_there_and_small() -> None:
    (name,) = re.findall(r"\]\((assets/\S+\.png)\)", README)
    assert 20_000 < (catalogue.ROOT / name).stat().st_size < 400_000


def test_every_make_target_it_names_exists() -> None:
    targets = re.findall(r"^([a-z-]+):", (catalogue.ROOT / "Makefile").read_text(), re.MULTILINE)
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", README, re.MULTILINE))
    assert {"run", "test", "lint", "bench"} <= named
    assert named <= set(targets)

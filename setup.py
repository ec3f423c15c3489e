"""Pack `explainers` and the pictures that it shows; the app runs from a clone."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["explainers", "explainers.*"]), "explainers._pictures"],
    # The pictures stand in assets/, where the app serves them too.
    package_dir={"explainers._pictures": "assets/pictures"},
    package_data={"explainers._pictures": ["*.png"]},
)

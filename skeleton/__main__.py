"""Write a new page's skeleton, and say what is left to do."""

import argparse
import sys

import skeleton
from ui import catalogue


def main() -> None:
    """Read what page it shall be, write it, and print its entries in the lists."""
    parser = argparse.ArgumentParser(prog="python -m skeleton", description=__doc__)
    parser.add_argument("kind", choices=skeleton.KINDS)
    parser.add_argument("chapter", help="its folder, as tensors")
    parser.add_argument("slug", help="address and name of its modules, as views")
    parser.add_argument("title", help="as readers know it")
    asked = parser.parse_args()
    try:
        made = skeleton.files(asked.kind, asked.chapter, asked.slug, asked.title)
        written = skeleton.write(made)
    except (ValueError, FileExistsError) as error:
        sys.exit(str(error))
    print(*(path.relative_to(catalogue.ROOT) for path in written), sep="\n")
    print("\nui/catalogue.py, in PAGES:\n" + skeleton.entry(asked.chapter, asked.slug, asked.title))
    print("README.md, in the table of pages, in the catalogue's order:")
    print(skeleton.row(asked.chapter, asked.title))
    print(
        "A whole page has at least three presets (lessons are presets), five checks and five\n"
        "statements: tests/explainers/test_topics.py. CONTRIBUTING.md says what the parts are."
    )


if __name__ == "__main__":
    main()

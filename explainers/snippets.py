"""Wrap the code of a view as files a reader can take away."""

from nbformat import v4, writes


def notebook(title: str, code: str) -> str:
    """Return a Jupyter notebook (version 4, JSON text) with a title and one cell of code.

    Args:
        title: Heading of the notebook.
        code: Python source.
    """
    cells = [v4.new_markdown_cell(f"# {title}"), v4.new_code_cell(code)]
    for index, cell in enumerate(cells):
        # nbformat draws random ids; the same view must give the same file.
        cell["id"] = f"cell-{index}"
    return str(writes(v4.new_notebook(cells=cells)))

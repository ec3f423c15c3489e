"""Pictures of one map by several libraries."""

from explainers.sampling.affine_grid import Asked, convert, prove
from figures.sampling import matrices as figures


def test_each_library_that_warped_has_its_picture() -> None:
    markup = figures.warped(prove(convert(Asked())))
    for title in ("Input", "torch", "torch, align_corners", "OpenCV", "PIL", "torchvision"):
        assert f">{title}<" in markup
    assert ">torchvision<" not in figures.warped(prove(convert(Asked(out_width=64))))


def test_a_large_picture_is_drawn_small() -> None:
    large = Asked(in_height=1000, in_width=1000, out_height=600, out_width=900)
    assert len(figures.warped(prove(convert(large)))) < 400_000

"""What a page refuses is explained in place and loses nothing, through Streamlit's own tester."""

from urllib.parse import parse_qsl

import pytest
from streamlit.testing.v1 import AppTest

from explainers.program.lessons import Lesson
from tests.session import drawn, held, opened, status, warnings
from ui import catalogue


def shown(tester: AppTest) -> str:
    """All words of a page, without the marks that keep them plain."""
    parts = (*tester.markdown, *tester.caption, *tester.warning, *tester.info, *tester.html)
    return " ".join(part.value for part in parts).replace("\\", "")


def visited(slug: str, address: str) -> AppTest:
    """Open a page by its address."""
    tester = opened(catalogue.page(slug), **dict(parse_qsl(address)))
    assert not tester.exception
    assert "Something went wrong" not in shown(tester)
    return tester


CALLS = [
    (
        "mode=bicubic",
        "mode must be one of nearest, nearest-exact, linear, area for an input (C, L), got bicubic",
        "Input Error: Only 3D, 4D and 5D input Tensors supported (got 3D)",
    ),
    (
        "given=both",
        "size must be None when scale_factor is given",
        "only one of size or scale_factor should be defined",
    ),
    (
        "given=neither",
        "size must be given when scale_factor is not",
        "either size or scale_factor should be defined",
    ),
    (
        "mode=nearest&align_corners=False",
        "align_corners must be None for mode='nearest', got False",
        "align_corners option can only be set with the interpolating modes",
    ),
    (
        "antialias=true",
        "antialias must be False unless mode is one of bilinear, bicubic, lanczos",
        "Anti-alias option is restricted to",
    ),
    (
        "given=size&recompute_scale_factor=true",
        "recompute_scale_factor must be None or False when size is given, got True",
        "recompute_scale_factor is not meaningful with an explicit size",
    ),
    (
        "input=picture&mode=bilinear&scale_factor=8",
        "scale_factor must give sides from 1 to 512, got 8.0 for 128x128",
        "",
    ),
]


@pytest.mark.parametrize(("address", "sentence", "torch_says"), CALLS)
def test_a_refused_call_is_explained_in_place_and_loses_nothing(
    address: str, sentence: str, torch_says: str
) -> None:
    tester = visited("interpolate", address)
    assert sentence in shown(tester)
    assert f"torch says: {torch_says}" in shown(tester) or not torch_says
    # What stands in the address stays: the line that replaces it agrees, or is not drawn.
    if any(n.proto.component_name == "torch_loupe_status" for n in tester.get("bidi_component")):
        assert dict(parse_qsl(status(tester)["query"])) == dict(parse_qsl(address))
    presets = catalogue.page("interpolate").topic.PRESETS
    index = next(n for n, preset in enumerate(presets) if preset.name == "Fill in between")
    tester.button(key=f"interpolate.preset.{index}").click().run()
    assert not tester.exception
    assert sentence not in shown(tester)
    assert presets[index].parameters.samples.split(",")[0] in drawn(tester)


WARPS = [
    ("mode=../../etc/passwd", "mode must be one of bilinear, nearest, bicubic, got ../../etc"),
    (
        "by_hand=true&theta_00=0&theta_01=0&theta_10=0&theta_11=0",
        "theta must be invertible, got a matrix with determinant 0",
    ),
]


@pytest.mark.parametrize(("address", "sentence"), WARPS)
def test_a_warp_that_is_none_gets_its_sentence_and_the_rest_is_kept(
    address: str, sentence: str
) -> None:
    tester = visited("affine_grid", f"{address}&padding_mode=border")
    assert sentence in warnings(tester)
    assert held(tester, catalogue.page("affine_grid"))["padding_mode"] == "border"


SCHEDULES = [
    (
        "schedule=OneCycleLR(max_lr=0.1,total_steps=50)",
        "total_steps must be at least steps, 100, got 50",
    ),
    ("schedule=CosineAnnealingLR(T_max=0)", "T_max must be a whole number from 1 to 1000000000 ("),
    ("schedule=OneCycleLR(max_lr=-1)", "max_lr must be a number from 0 to 1000 ("),
    ('schedule=LambdaLR(lr_lambda="9**9**9")', "lr_lambda must be a formula in epoch"),
    ('schedule=LambdaLR(lr_lambda="epoch.__class__")', "lr_lambda must be a formula in epoch"),
    ("schedule=MultiStepLR(milestones=[80,30])", "in increasing order"),
    ("schedule=__import__('os')", "schedule must be a call such as"),
]


@pytest.mark.parametrize(("address", "sentence"), SCHEDULES)
def test_a_bad_schedule_gets_its_sentence_and_the_rest_of_the_link_is_kept(
    address: str, sentence: str
) -> None:
    name, _, text = address.partition("=")
    tester = opened(catalogue.page("schedulers"), **{name: text, "kept": "StepLR(step_size=7)"})
    assert not tester.exception
    assert sentence in warnings(tester)
    assert "StepLR(step_size=7)" in drawn(tester)
    assert dict(parse_qsl(status(tester)["query"]))["kept"] == "StepLR(step_size=7)"


NETWORKS = [
    ("scheme=dirac", "dirac: scheme must be other than dirac for linear layers"),
    ("width=1024", "depth must be at most"),
    ("kept=he_normal", "kept must be at most 5 schemes"),
    ("depth=0", "depth must be a whole number from 1 to 100, got 0"),
]


@pytest.mark.parametrize(("address", "sentence"), NETWORKS)
def test_what_cannot_be_gets_its_sentence_and_the_page_stays(address: str, sentence: str) -> None:
    tester = visited("initialization", address)
    assert sentence in warnings(tester)
    assert "Keep this scheme" in [button.label for button in tester.button]


def test_where_a_figures_run_was_ended_the_page_says_so_and_shows_the_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Lesson, "seen", lambda *_, **__: None)
    tester = opened(catalogue.page("accumulation"), lesson="clip")
    assert not tester.exception
    assert "the figure's run was ended" in warnings(tester)
    assert "torch.nn.utils.clip_grad_norm_" in drawn(tester)

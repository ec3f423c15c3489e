"""What people have published against sandboxes, typed into the page: a sentence, and no more."""

import asyncio

from explainers.optimizers import schedulers
from tests.browser.harness import serving
from tests.explainers.optimizers.test_schedulers_formula import ESCAPES, SLOW
from tests.hosting import QUIET
from tests.reader import Reader

AT_ONCE_S = 3.0


def test_every_published_escape_is_refused_by_the_page_itself() -> None:
    async def type_all(url: str) -> list[str]:
        wrong = []
        async with Reader(url, "schedulers") as reader:
            await reader.open()
            kept = schedulers.Schedulers().schedule
            for text in (*ESCAPES, *SLOW):
                box = reader.find("text_input", "schedulers.schedule.text")
                call = f"LambdaLR(lr_lambda={text!r})"
                run = await reader.change(box, call)
                problems = run.exceptions()
                if not run.says("schedule must be"):
                    problems.append("no sentence")
                if run.seconds > AT_ONCE_S:
                    problems.append(f"{run.seconds:.1f} s")
                wrong += [f"{call}: {problem}" for problem in problems]
            # What was refused has changed nothing.
            box = reader.find("text_input", "schedulers.schedule.text")
            run = await reader.change(box, kept)
            assert not run.says("schedule must be")
        return wrong

    with serving("app.py", *QUIET) as server:
        assert asyncio.run(type_all(server.url)) == []
        assert "Traceback" not in server.log()


def test_there_are_enough_of_them() -> None:
    assert len(set(ESCAPES)) == len(ESCAPES) >= 100

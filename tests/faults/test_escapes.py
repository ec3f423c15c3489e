"""What people have published against sandboxes, typed into the page: a sentence, and no more."""

import asyncio

from explainers.optimizers import schedulers
from tests.browser.harness import Server
from tests.explainers.optimizers.test_schedulers_formula import ESCAPES, SLOW
from tests.reader import Reader

AT_ONCE_S = 3.0


def test_every_published_escape_is_refused_by_the_page_itself(app_server: Server) -> None:
    async def type_all(server: Server) -> list[str]:
        wrong = []
        async with Reader(server.url, "schedulers") as reader:
            await reader.open()
            kept = schedulers.Schedulers().schedule
            for text in (*ESCAPES, *SLOW):
                box = reader.find("text_input", "schedulers.schedule.text")
                call = f"LambdaLR(lr_lambda={text!r})"
                before = server.processor_s()
                run = await reader.change(box, call)
                spent = server.processor_s() - before
                problems = run.exceptions()
                if not run.says("schedule must be"):
                    problems.append("no sentence")
                if spent > AT_ONCE_S:
                    problems.append(f"{spent:.1f} s of the processor")
                wrong += [f"{call}: {problem}" for problem in problems]
            # What was refused has changed nothing.
            box = reader.find("text_input", "schedulers.schedule.text")
            run = await reader.change(box, kept)
            assert not run.says("schedule must be")
        return wrong

    assert asyncio.run(type_all(app_server)) == []
    assert "Traceback" not in app_server.log()


def test_there_are_enough_of_them() -> None:
    assert len(set(ESCAPES)) == len(ESCAPES) >= 100

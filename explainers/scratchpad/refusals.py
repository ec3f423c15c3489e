"""Say what is not available, why, and what to write instead."""


class Refused(BaseException):
    """What a program asks for is not available. No `except` of a program catches it.

    Its name is the `Failure.kind` that a reader sees.
    """

    def __init__(self, piece: str, why: str) -> None:
        """Say what is not available, as it stands in the program, and why or what instead."""
        super().__init__(f"{piece} is not available here: {why}")

"""Why something that was asked of control was not done."""


class Refused(Exception):
    """Nothing was changed. `status` is what to answer; the message says what to do."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status

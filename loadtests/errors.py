"""What stops a load test. The message says what was seen and what to do next; `__main__` prints it and exits 1."""


class LoadTestError(Exception):
    """A measurement that cannot be made or must not be trusted."""


class MissingProgramError(LoadTestError):
    """A program that the run needs is not on this machine."""


class FailedRequestsError(LoadTestError):
    """The load saw socket errors, refused requests or short answers: its timings would be of something else."""

from collections.abc import Mapping

class Words:
    json: bool
    def __init__(self, form: str, utc_offset: int, routes: Mapping[int, str], upstreams: Mapping[int, str],
                 endpoints: Mapping[int, str], limits: Mapping[int, str], texts: Mapping[int, str],
                 incidents: Mapping[str, Mapping[int, int]] | None = None) -> None: ...

def lines(records: bytes, words: Words, worker: int) -> bytes: ...

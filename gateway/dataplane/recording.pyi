from gateway.board import WorkerBoard

class Recording:
    version_header: bytes
    def __init__(self, board: WorkerBoard, version_header: str) -> None: ...

def family_of(agent: bytes) -> bytes: ...

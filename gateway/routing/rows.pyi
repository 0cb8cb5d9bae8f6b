from gateway.routing.tables import Tables

class Rows:
    def __init__(self, made: Tables) -> None: ...

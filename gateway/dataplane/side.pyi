HIGH_WATER: int
LOW_WATER: int

class Side:
    closed: bool

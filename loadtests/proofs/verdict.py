"""What a proof found: a line per measured figure with its mark, printed as it is known, and the exit code."""

from collections.abc import Callable


class Verdict:
    """Mutable: counts the marks that were missed."""

    def __init__(self, say: Callable[[str], None] = lambda line: print(line, flush=True)) -> None:
        self._say = say
        self.missed = 0

    def tell(self, what: str, found: object) -> None:
        """A figure without a mark."""
        self._say(f"  {what:62} {found!s:>22}")

    def mark(self, what: str, found: object, mark: str, met: bool) -> bool:
        self._say(f"  {what:62} {found!s:>22}   {mark:22} {'met' if met else 'MISSED'}")
        self.missed += not met
        return met

    def at_most(self, what: str, found: float, most: float, unit: str = "") -> bool:
        return self.mark(what, f"{found:,.6g}{unit}", f"<= {most:,.6g}{unit}", found <= most)

    def at_least(self, what: str, found: float, least: float, unit: str = "") -> bool:
        return self.mark(what, f"{found:,.6g}{unit}", f">= {least:,.6g}{unit}", found >= least)

    def title(self, text: str) -> None:
        self._say(text)

    def exit_code(self) -> int:
        self._say("every mark was met" if not self.missed else f"{self.missed} marks were MISSED")
        return 1 if self.missed else 0

    def __repr__(self) -> str:
        return f"<Verdict {self.missed} missed>"

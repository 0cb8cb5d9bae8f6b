"""The rate detector for one route, written to be read: what `detect.counts` must say of each of its columns."""
import math

TICKS_A_DAY = 8640
FACTORS = (1.5, 3.0, 0.5, 0.1)
BLOCKS = (1, 30, 180)


def gain(half_life: float) -> float:
    return 1 - 2 ** (-1 / half_life)


class ReferenceCounts:
    """Baseline, dispersion and evidence of one series that never changes its level for good (no acceptance)."""

    def __init__(self, threshold: float) -> None:
        self.h = threshold
        self.week = [math.nan] * 168
        self.level, self.trusted, self.recent, self.total, self.ticks = 0.0, False, 0.0, 0.0, 0
        self.spread, self.blocks = [0.0] * 3, [[0.0, 0.0, 0] for _ in BLOCKS]
        self.log, self.minute = [-30.0] * 4, [(0.0, 0.0)] * 6
        self.age = self.calm = self.doubtful = 0
        self.alarm = False

    def observe(self, at: float, count: float) -> bool:
        base = self._profile(at)
        mu = max(base * self.level if self.trusted else self.level, 0.02)
        noise = 1.3 * (1 + mu * max(b * max(s, 0) for b, s in zip(BLOCKS, self.spread, strict=True)))
        for index, d in enumerate(FACTORS):
            more = min((count * math.log(d) - mu * (d - 1)) / noise, self.h / 3)
            self.log[index] = min(max(_softplus(self.log[index]) + more, -30), 2 * self.h)
        up, down = (math.log((math.exp(a) + math.exp(b)) / 2) for a, b in (self.log[:2], self.log[2:]))
        self.minute = [*self.minute[1:], (count, mu)]
        seen, usual = sum(n for n, _ in self.minute), sum(u for _, u in self.minute)
        beyond = (up >= self.h and seen > 1.3 * usual and seen - usual >= 20) or (
            down >= self.h and mu >= 5 / 60 and seen < 0.75 * usual)
        band = 3 * math.sqrt(noise * mu) + 1
        opened, closed = self._turn(beyond, abs(count - mu) <= band)
        doubtful = max(up, down) > self.h / 2 or self.alarm
        self.doubtful = max(self.doubtful + (1 if doubtful else -1), 0)
        assert self.doubtful < 360, "the reference knows no acceptance"
        if opened or closed:
            self.log = [-30.0] * 4
        self._learn(at, base, mu, band, count, not doubtful)
        return self.alarm

    def _turn(self, beyond: bool, in_band: bool) -> tuple[bool, bool]:
        opened = beyond and not self.alarm and self.age + 1 > 17_280
        self.calm = self.calm + 1 if in_band else 0
        closed = self.alarm and self.calm >= 30
        self.alarm = opened or (self.alarm and not closed)
        return opened, closed

    def _learn(self, at: float, base: float, mu: float, band: float, count: float, learning: bool) -> None:
        tame = count if self.age < TICKS_A_DAY else min(max(count, mu - band), mu + band)
        if not self.alarm and self.age >= 360:
            self._learn_spread(tame, mu)
        if learning:
            towards = tame / max(base, 0.02) if self.trusted else tame
            self.level += max(gain(180), 1 / (self.age + 1)) * (towards - self.level)
            self.total, self.ticks = self.total + tame, self.ticks + 1
        if self.trusted:
            self.level = min(max(self.level, 0.1), 4)
        self.age += 1
        if at % 3600 == 3590:
            self._end_hour(int(at // 3600) % 168, base)

    def _learn_spread(self, tame: float, mu: float) -> None:
        for index, block in enumerate(self.blocks):
            block[0], block[1], block[2] = block[0] + tame, block[1] + mu, block[2] + 1
            if block[2] == BLOCKS[index]:
                found = ((block[0] - block[1]) ** 2 - block[1]) / block[1] ** 2
                found = min(found, 9 * (max(self.spread[index], 0) + 1 / block[1]))
                haste = 4 if self.age < 3 * TICKS_A_DAY else 1
                self.spread[index] += gain(TICKS_A_DAY / BLOCKS[index]) * haste * (found - self.spread[index])
                self.blocks[index] = [0.0, 0.0, 0]

    def _end_hour(self, hour: int, base: float) -> None:
        if self.ticks > 180:
            mean, known = self.total / self.ticks, self.week[hour]
            self.week[hour] = mean if math.isnan(known) else known + 0.3 * (mean - known)
        self.total, self.ticks = 0.0, 0
        if not self.trusted and self.age >= TICKS_A_DAY and base / 4 <= self.level <= base * 4:
            self.level, self.trusted = min(max(self.level / max(base, 0.02), 0.1), 4), True

    def _profile(self, at: float) -> float:
        position = at / 3600 - 0.5
        before, after = self._known(int(position)), self._known(int(position) + 1)
        mixed = before * (1 - position % 1) + after * (position % 1)
        return mixed if not math.isnan(mixed) else after if math.isnan(before) else before

    def _known(self, hour: int) -> float:
        for days in range(7):
            if not math.isnan(self.week[(hour - 24 * days) % 168]):
                return self.week[(hour - 24 * days) % 168]
        known = [mean for mean in self.week if not math.isnan(mean)]
        return sum(known) / len(known) if known else math.nan


def _softplus(value: float) -> float:
    return max(value, 0) + math.log1p(math.exp(-abs(value)))

"""The cash layer once more, in plain loops over dictionaries and with the plain iteration from above."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from trivium.capital.clearing import CashNetwork

Claims = dict[tuple[int, int], float]  # (number of the due, rank) -> amount


class Witness:
    """One scenario; `defaults` and `cash` by party."""

    def __init__(self, network: CashNetwork, income: np.ndarray, rounds: int = 20_000) -> None:
        self.network, self.rounds = network, rounds
        names = network.parties
        self.kept = {name: (network.alpha[i], network.beta[i]) for i, name in enumerate(names)}
        self.cash = dict(zip(names, network.opening_cash.tolist(), strict=True))
        self.defaults: dict[str, int] = {}
        self.behind: dict[str, int] = dict.fromkeys(names, 0)
        self.noticed: dict[str, int] = {}
        if network.notice == "at once":
            self.noticed = dict.fromkeys(names, 0)
        self.arrears: Claims = defaultdict(float)
        self.tolerance = 1e-9 * max(1.0, float(np.abs(income).max()))
        for quarter in range(network.quarters):
            own = {name: self.cash[name] + income[quarter, i] for i, name in enumerate(names)}
            self.quarter(quarter, own)

    def claims(self, quarter: int) -> Claims:
        found = defaultdict(float, self.arrears)
        for number, due in enumerate(self.network.dues):
            if due.debtor in self.defaults:
                if self.defaults[due.debtor] == quarter - 1 and due.termination:
                    found[number, due.termination_rank or due.rank] += due.termination[quarter]
                continue
            if due.ends_with_creditor and due.creditor in self.defaults:
                continue
            if due.conditional and self.behind[due.debtor]:
                continue
            found[number, due.rank] += due.firm[quarter]
            last = self.noticed.get(due.debtor, 10**9) + due.notice_quarters
            if due.cancellable and quarter < last:
                found[number, due.rank] += due.cancellable[quarter]
        return found

    def pot(self, name: str, own: float, got: float, owed: float) -> float:
        at_once = self.network.cure_quarters == 0 and own + got < owed - self.tolerance
        if name in self.defaults or at_once:
            return self.kept[name][0] * max(own, 0) + min(own, 0) + self.kept[name][1] * got
        return own + got

    def paid_of(self, name: str, pot: float, claims: Claims) -> Claims:
        """One party's payments, rank after rank, each in proportion."""
        rest, found = max(pot, 0.0), {}
        mine = [key for key in claims if self.network.dues[key[0]].debtor == name]
        if self.network.cure_quarters == 0 and rest >= sum(claims[key] for key in mine) - self.tolerance:
            rest = float("inf")
        for rank in sorted({key[1] for key in mine}):
            group = [key for key in mine if key[1] == rank]
            total = sum(claims[key] for key in group)
            share = min(1.0, rest / total) if total > 0 else 1.0
            found.update({key: claims[key] * share for key in group})
            rest -= min(rest, total)
        return found

    def by_party(self, amounts: Claims, side: str) -> dict[str | None, float]:
        found: dict[str | None, float] = defaultdict(float)
        for (number, _), amount in amounts.items():
            found[getattr(self.network.dues[number], side)] += amount
        return found

    def quarter(self, quarter: int, own: dict[str, float]) -> None:
        claims = self.claims(quarter)
        owed, paid = self.by_party(claims, "debtor"), dict(claims)
        for _ in range(self.rounds):
            got, then = self.by_party(paid, "creditor"), {}
            for name, cash in own.items():
                then.update(self.paid_of(name, self.pot(name, cash, got[name], owed[name]), claims))
            moved = max((abs(then[key] - paid[key]) for key in paid), default=0.0)
            paid = then
            if moved < 1e-13:
                break
        got, out = self.by_party(paid, "creditor"), self.by_party(paid, "debtor")
        self.arrears = defaultdict(float, {key: claims[key] - amount for key, amount in paid.items()})
        for name, cash in own.items():
            self.cash[name] = self.pot(name, cash, got[name], owed[name]) - out[name]
            if owed[name] - out[name] > self.tolerance:
                self.behind[name] += 1
                if self.network.notice == "when behind":
                    self.noticed.setdefault(name, quarter + 1)
            else:
                self.behind[name] = 0
            if self.behind[name] > self.network.cure_quarters:
                self.defaults.setdefault(name, quarter)

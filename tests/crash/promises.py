# SPDX-License-Identifier: BSD-3-Clause
"""What was promised about each Contact, and whether a table keeps it.

A Contact has a history of states, each "CSeq, expires at", expires 0: it is not there. A state was
`acked` when its 200 came, or is a `maybe`: the request was sent, and nothing or a 503 came, so it may
have been carried out or not. What a table shows must be one of the states that are still allowed:
the last one that was acked before the moment up to which nothing may be lost, or any later one.
"""
import json
import time
from collections import namedtuple
from pathlib import Path

SLACK_S = 5  # of an expiry: a request is on its way, and seconds are whole
KEEP_S = 60  # a history goes back this far

State = namedtuple("State", "acked_at cseq expires_at asked_s")  # acked_at None: a maybe


class History:
    def __init__(self):
        self.states = [State(0.0, 0, 0, 0)]  # before anything: not there
        self.ever = {}  # CSeq -> state, of all times

    def sent(self, cseq, expires_s):
        self.states.append(State(None, cseq, time.time() + expires_s, expires_s))
        self.ever[cseq] = self.states[-1]

    def denied(self, cseq):
        """A 401: it was not carried out."""
        self.states = [s for s in self.states if s.acked_at is not None or s.cseq != cseq]

    def acked(self, cseq, left_s):
        now = time.monotonic()
        self.states = [s for s in self.states if s.acked_at is not None or s.cseq > cseq]
        self.states.append(State(now, cseq, time.time() + left_s if left_s else 0, None))
        self.ever[cseq] = self.states[-1]
        old = [s for s in self.states if s.acked_at is not None and s.acked_at < now - KEEP_S]
        self.states = old[-1:] + [s for s in self.states if s not in old]

    def allowed(self, safe):
        """From the last state acked before `safe` on."""
        before = [i for i, s in enumerate(self.states) if s.acked_at is not None and s.acked_at <= safe]
        return self.states[max(before, default=0):]

    def adopt(self, state):
        """What the table has is the truth from now on; what is in the air stays a maybe."""
        now = time.monotonic()
        maybes = [s for s in self.states if s.acked_at is None]
        self.states = [state._replace(acked_at=now)] + maybes


def shows(state, row, now):
    """Whether a row of `show bindings`, or its absence, is this state."""
    if row is None:
        return state.expires_at < now + SLACK_S
    if row["cseq"] != state.cseq:
        return False
    if state.acked_at is None:  # whenever it came
        return 0 < state.asked_s and row["expires_s"] <= state.asked_s + 1
    return abs(row["expires_s"] + now - state.expires_at) <= SLACK_S


def as_state(row, now):
    if row is None:
        return State(now, 0, 0, None)
    return State(now, row["cseq"], now + row["expires_s"], None)


class Verdict:
    """Of all contacts at one moment. broken: promises; lost: acked later than `safe` and gone."""

    def __init__(self, cut):
        self.cut, self.there, self.broken, self.lost, self.oldest_ms = cut, 0, 0, 0, 0
        self.complaints = []

    def complain(self, text):
        self.broken += 1
        self.complaints.append(text)

    def count_lost(self, history, state):
        later = [s.acked_at for s in history.states[history.states.index(state) + 1 :]
                 if s.acked_at is not None]
        if later and state.acked_at is not None:
            self.lost += 1
            self.oldest_ms = max(self.oldest_ms, round((self.cut - later[0]) * 1000))

    def __str__(self):
        return f"{self.there} {self.lost} {self.oldest_ms} {self.broken}"


def read_rows(bindings):
    return {(row["aor"], row["contact"]): row for row in json.loads(Path(bindings).read_text())["bindings"]}


def judge_real(histories, bindings):
    """After damage anything may be missing, but what is there was so at some moment."""
    now, verdict = time.time(), Verdict(0)
    rows = read_rows(bindings)
    for key, row in rows.items():
        state = key in histories and histories[key].ever.get(row["cseq"])
        if not state or not shows(state, row, now):
            verdict.complain(f"{key}: was never {row}, but {state}")
        verdict.there += 1
    for key, history in histories.items():
        history.adopt(as_state(rows.get(key), now))
    return verdict


def judge(histories, bindings, safe, cut, adopt):
    """histories: (AoR, URI) -> History. Every row must be of one of them."""
    rows = read_rows(bindings)
    now, verdict = time.time(), Verdict(cut)
    for key, row in rows.items():
        if key not in histories:
            verdict.complain(f"{key}: nobody has asked for it: {row}")
    for key, history in histories.items():
        row = rows.get(key)
        verdict.there += row is not None
        match = [s for s in reversed(history.allowed(safe)) if shows(s, row, now)]
        if not match:
            verdict.complain(f"{key}: has {row}, promised {history.states}, safe {safe}, cut {cut}")
        else:
            verdict.count_lost(history, match[0])
        if adopt:
            history.adopt(as_state(row, now))
    return verdict

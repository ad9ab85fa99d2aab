"""Honest questions out of a shop's past: what may be learnt, what is asked, what then happened.

Leave-one-out is what papers report: it leaks the global time, since other shoppers' later events
are trained on. Temporal is what a shop would have met: one cut, nothing after it is known;
rolling origin repeats it at several cuts. Fixed takes a published division as it is. Positions
among the events decide what came first, never an id or a code.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from shelfwise.core.columns import EVENT_CODE, INTEREST_TYPES
from shelfwise.core.dataset import Dataset
from shelfwise.core.errors import BadInputError, NotEnoughDataError
from shelfwise.core.ragged import Ragged
from shelfwise.core.requests import Requests
from shelfwise.evaluation.grouping import distinct_items, histories, is_in, last_runs, rows_of
from shelfwise.evaluation.known import interest_mask, known_before, learnt_from, without_hindsight

Protocol = Literal["leave-one-out", "temporal", "fixed"]
Part = Literal["test", "validation"]

ENOUGH_PURCHASES: Final = 300
"""From so many purchases on, a purchase is what makes an item relevant."""
DAY_MS: Final = 86_400_000
WHOLE_DAYS_FROM: Final = 10
"""Cuts are moved to midnight UTC where the events span at least so many days."""


@dataclass(frozen=True)
class Split:
    """Data to learn from, requests to answer, and the items that were then chosen.

    Nothing in `train` or in a request's history comes from the held-out part.
    """

    protocol: Protocol
    part: Part
    train: Dataset
    requests: Requests
    relevant: Ragged
    """Per request, the distinct items to find (at least one), in the order they were chosen."""
    users: NDArray[np.int32]
    """User code per request."""
    cut_ms: int | None
    """Nothing at or after this time was learnt from; None where each shopper has an own cut."""
    target_types: tuple[str, ...]
    """Event types that make an item relevant."""
    trained_on_validation: bool
    cold_user: NDArray[np.bool_]
    """Per request: the shopper shows no interest in anything in `train`."""
    cold_item: NDArray[np.bool_]
    """Per value of `relevant`: no shopper shows interest in the item in `train`."""
    seen_item: NDArray[np.bool_]
    """Per value of `relevant`: the item is in the request's own history (a repeat)."""
    n_events: int
    """Events of the whole dataset that was split."""

    def __len__(self) -> int:
        return len(self.users)

    @property
    def n_cold_users(self) -> int:
        """How many requests come from shoppers unseen in training."""
        return int(self.cold_user.sum())

    @property
    def n_cold_items(self) -> int:
        """How many distinct relevant items are unseen in training."""
        return len(np.unique(self.relevant.values[self.cold_item]))


def leave_one_out(
    dataset: Dataset, *, part: Part = "test", train_on_validation: bool = True, n: int = 10
) -> Split:
    """Per shopper: the last interaction is the test, the one before the validation.

    An interaction is consecutive events of a shopper on one item (view, cart, purchase). Shoppers
    with fewer than three interactions and anonymous sessions are only trained on. The history of a
    test request always ends with the validation item; `train_on_validation` says whether that item
    is in `train` too. The validation part knows neither held-out item.
    """
    events = dataset.events
    count, first, last = last_runs(events.user, events.item, interest_mask(events), dataset.n_users)
    users = np.flatnonzero((count == 3) & _tested(dataset)).astype(np.int32)
    if len(users) == 0:
        raise NotEnoughDataError(
            "No shopper has three interactions, so none can be tested by leave-one-out.",
            remedy="Ingest a longer period, or evaluate with --protocol temporal.",
        )
    target = 0 if part == "test" else 1
    asked_at = first[users, target]
    known_until = np.full(dataset.n_users, len(events), np.int64)
    known_until[users] = last[users, target + 1]
    learnt_until = known_until.copy()
    if part == "test" and not train_on_validation:
        learnt_until[users] = last[users, 2]
    train = learnt_from(dataset, learnt_until)
    history = histories(events, users, known_until)
    relevant = Ragged(np.arange(len(users) + 1, dtype=np.int64), events.item[asked_at])
    requests = Requests.of_histories(history, n, user=users, now_ms=events.time_ms[asked_at])
    learns_validation = part == "test" and train_on_validation
    return _split("leave-one-out", part, dataset, train, requests, relevant, learns_validation)


def temporal(
    dataset: Dataset,
    *,
    part: Part = "test",
    test_share: float = 0.1,
    validation_share: float = 0.1,
    target_types: tuple[str, ...] | None = None,
    n: int = 10,
) -> Split:
    """One cut for all: the shopper's choices after it, asked at the cut with what was known then.

    The validation part is the same construct on the window just before the test cut, and knows
    nothing after that window. `target_types` is chosen by `targets_of` if not given.
    """
    wanted = targets_of(dataset) if target_types is None else target_types
    validation_ms, test_ms = temporal_cuts(dataset, test_share, validation_share)
    if part == "test":
        return temporal_at(dataset, test_ms, target_types=wanted, n=n)
    known = dataset.before(test_ms)
    split = temporal_at(known, validation_ms, target_types=wanted, n=n)
    return replace(
        split, part="validation", trained_on_validation=False, n_events=len(dataset.events)
    )


def temporal_at(
    dataset: Dataset,
    time_ms: int,
    *,
    target_types: tuple[str, ...] | None = None,
    n: int = 10,
) -> Split:
    """The test with the cut at `time_ms`: one request per known shopper who chose something later.

    Cold shoppers are asked for with an empty history. Where all shoppers are anonymous sessions,
    each session that ends after the cut is asked for its last item, given its events before that.
    """
    wanted = targets_of(dataset) if target_types is None else target_types
    train = known_before(dataset, time_ms)
    later = interest_mask(dataset.events, wanted) & (dataset.events.time_ms >= time_ms)
    later &= _tested(dataset)[dataset.events.user]
    if not later.any() or not interest_mask(train.events).any():
        side = "before" if later.any() else "after"
        raise NotEnoughDataError(
            f"There is no {' or '.join(wanted)} {side} the cut at {_as_date(time_ms)}.",
            remedy="Ingest a longer period, or move the cut.",
        )
    if dataset.anonymous.all():
        requests, relevant = _session_ends(dataset, time_ms, n)
    else:
        requests, relevant = _choices_after(dataset, later, time_ms, n)
    split = _split("temporal", "test", dataset, train, requests, relevant, True)
    return replace(split, cut_ms=time_ms, target_types=wanted)


def rolling_origin(dataset: Dataset, folds: int = 3, test_share: float = 0.1) -> list[Split]:
    """Validation folds in time, earliest first; their windows tile the end of the data.

    Each window holds some `test_share` of the interest events, and its fold learns only from what
    is before it (Tashman, Int. J. Forecasting 2000). Give it `dataset.before(test_ms)` to leave the
    test part untouched. What makes an item relevant is the same in all folds.
    """
    if folds < 1 or not 0 < folds * test_share < 1:
        raise BadInputError(
            f"{folds} folds of {test_share:g} of the events each leave nothing to learn from.",
            remedy="Ask for fewer folds or a smaller share.",
        )
    wanted = targets_of(dataset)
    cuts = _cuts(dataset, 1 - test_share * np.arange(folds, 0, -1, dtype=np.float64))
    known = [dataset.before(end) for end in cuts[1:]] + [dataset]
    return [
        replace(
            temporal_at(until, cut, target_types=wanted),
            part="validation",
            trained_on_validation=False,
            n_events=len(dataset.events),
        )
        for cut, until in zip(cuts, known, strict=True)
    ]


def fixed(
    train: Dataset, test_user: NDArray[np.int32], test_item: NDArray[np.int32], *, n: int = 10
) -> Split:
    """A division that others made: learn from `train`, find the pairs ([n_pairs] codes of it).

    As the benchmarks of collaborative filtering come (Gowalla, Amazon-Book; He et al., SIGIR 2020).
    Each shopper of the pairs is asked for once, in order of code, with all their training events as
    history. Nothing vouches for the order in time of such files.
    """
    for name, codes, size in (
        ("user", test_user, train.n_users),
        ("item", test_item, train.n_items),
    ):
        if len(codes) == 0 or codes.min() < 0 or codes.max() >= size:
            raise BadInputError(
                f"The test pairs need at least one row, with {name} codes from 0 to {size - 1}.",
                remedy="Give the codes of the training data's vocabularies.",
            )
    users = np.unique(test_user).astype(np.int32)
    row = rows_of(users, train.n_users)[test_user]
    relevant = distinct_items(row, test_item.astype(np.int32), len(users), train.n_items)
    until = np.full(train.n_users, len(train.events), np.int64)
    history = histories(train.events, users, until)
    requests = Requests.of_histories(history, n, user=users)
    learnt = replace(train, products=without_hindsight(train.products))
    split = _split("fixed", "test", train, learnt, requests, relevant, True)
    return replace(split, n_events=len(train.events) + len(relevant.values))


def temporal_cuts(dataset: Dataset, test_share: float, validation_share: float) -> tuple[int, int]:
    """When the validation and the test window begin, by shares of the interest events.

    At midnight UTC where the events span `WHOLE_DAYS_FROM` days and the windows stay apart.
    """
    shares = np.array([1 - test_share - validation_share, 1 - test_share])
    validation_ms, test_ms = _cuts(dataset, shares)
    return validation_ms, test_ms


def _cuts(dataset: Dataset, shares: NDArray[np.float64]) -> list[int]:
    """The times with `shares` (ascending) of the interest events before them, or near by."""
    if not dataset.timed:
        raise NotEnoughDataError(
            "The events only have an order and no time, so there is no common cut.",
            remedy="Evaluate with --protocol leave-one-out, or ingest events with a timestamp.",
        )
    times = dataset.events.time_ms[interest_mask(dataset.events)]
    if len(times) == 0:
        raise NotEnoughDataError("There are no events to test on.", remedy="Ingest events first.")
    exact = times[(np.clip(shares, 0, 1) * (len(times) - 1)).astype(np.int64)]
    whole = (exact + DAY_MS // 2) // DAY_MS * DAY_MS
    long_enough = times[-1] - times[0] >= WHOLE_DAYS_FROM * DAY_MS
    cuts = whole if long_enough and _in_order(times, whole) else exact
    if not _in_order(times, cuts):
        raise NotEnoughDataError(
            f"{len(times)} events between {_as_date(times[0])} and {_as_date(times[-1])} cannot be"
            f" cut into training and {len(shares)} later parts.",
            remedy="Ingest a longer period, or evaluate with --protocol leave-one-out.",
        )
    return [int(cut) for cut in cuts]


def targets_of(dataset: Dataset) -> tuple[str, ...]:
    """What makes an item relevant: a purchase where there are enough, else any interest."""
    purchases = int((dataset.events.type == EVENT_CODE["purchase"]).sum())
    return ("purchase",) if purchases >= ENOUGH_PURCHASES else INTEREST_TYPES


def _tested(dataset: Dataset) -> NDArray[np.bool_]:
    """[n_users]: known shoppers; everyone where all are anonymous."""
    everyone = bool(dataset.anonymous.all())
    return np.full(dataset.n_users, True) if everyone else ~dataset.anonymous


def _in_order(times: NDArray[np.int64], cuts: NDArray[np.int64]) -> bool:
    return bool(times[0] < cuts[0] and (np.diff(cuts) > 0).all() and cuts[-1] <= times[-1])


def _as_date(time_ms: int | np.int64) -> str:
    return str(np.datetime64(int(time_ms), "ms"))[:16] + " UTC"


def _last_before(dataset: Dataset, time_ms: int) -> int:
    """Position of the last event before `time_ms`; -1 where there is none."""
    return int(np.searchsorted(dataset.events.time_ms, time_ms)) - 1


def _choices_after(
    dataset: Dataset, later: NDArray[np.bool_], time_ms: int, n: int
) -> tuple[Requests, Ragged]:
    events = dataset.events
    chosen = np.bincount(events.user[later], minlength=dataset.n_users)
    users = np.flatnonzero(chosen).astype(np.int32)
    until = np.full(dataset.n_users, _last_before(dataset, time_ms), np.int64)
    history = histories(events, users, until)
    row = rows_of(users, dataset.n_users)[events.user[later]]
    relevant = distinct_items(row, events.item[later], len(users), dataset.n_items)
    now = np.full(len(users), time_ms, np.int64)
    return Requests.of_histories(history, n, user=users, now_ms=now), relevant


def _session_ends(dataset: Dataset, time_ms: int, n: int) -> tuple[Requests, Ragged]:
    events = dataset.events
    count, first, last = last_runs(events.user, events.item, interest_mask(events), dataset.n_users)
    ends_later = events.time_ms[first[:, 0]] >= time_ms
    users = np.flatnonzero((count >= 2) & ends_later).astype(np.int32)
    if len(users) == 0:
        raise NotEnoughDataError(
            "No session after the cut has two interactions, and all shoppers are anonymous.",
            remedy="Ingest a longer period, or events with a user_id.",
        )
    asked_at = first[users, 0]
    until = np.full(dataset.n_users, -1, np.int64)
    until[users] = np.maximum(last[users, 1], _last_before(dataset, time_ms))
    history = histories(events, users, until)
    relevant = Ragged(np.arange(len(users) + 1, dtype=np.int64), events.item[asked_at])
    requests = Requests.of_histories(history, n, user=users, now_ms=events.time_ms[asked_at])
    return requests, relevant


def _split(
    protocol: Protocol,
    part: Part,
    dataset: Dataset,
    train: Dataset,
    requests: Requests,
    relevant: Ragged,
    trained_on_validation: bool,
) -> Split:
    interest = interest_mask(train.events)
    of_user = np.bincount(train.events.user[interest], minlength=dataset.n_users)
    of_item = np.bincount(train.events.item[interest], minlength=dataset.n_items)
    return Split(
        protocol=protocol,
        part=part,
        train=train,
        requests=requests,
        relevant=relevant,
        users=requests.user,
        cut_ms=None,
        target_types=INTEREST_TYPES,
        trained_on_validation=trained_on_validation,
        cold_user=of_user[requests.user] == 0,
        cold_item=of_item[relevant.values] == 0,
        seen_item=is_in(relevant, requests.history.items(), dataset.n_items),
        n_events=len(dataset.events),
    )

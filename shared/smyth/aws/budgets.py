"""Budgets in the table, and what is spent of them.

==============  ======================================  ===========
item            partition                               sort key
==============  ======================================  ===========
all budgets     ``T#<tenant>``                          ``BUDGETS``
spending        ``T#<tenant>#BUDGET#<scope>#<period>``  ``<shard>``
==============  ======================================  ===========

A condition cannot compute, so what is free is kept beside what is reserved and
spent. Summed over the shards of a period the three are always the budget's limit:
every write here moves an amount from one to another, or changes the limit and what
is free by as much. A new limit reaches all shards in the transaction of the first
admission that knows it.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from smyth.aws.table import ConditionFailed, Item, Table, Write, key, put, put_new, update
from smyth.platform.budgets import Budget, Hold, Overspent, Spending
from smyth.platform.entries import Entry
from smyth.platform.errors import Busy, NotFound

_ATTEMPTS = 20
#: A budget never lies on more items than this.
_MOST_SHARDS = 8


class Shards(NamedTuple):
    """A budget's spending items of one period, as they were seen."""

    budget: Budget
    name: str
    items: dict[int, Item]

    @property
    def seen_revision(self) -> int:
        """The newest revision of the budget that the items know."""
        return max((item["revision"] for item in self.items.values()), default=-1)

    @property
    def seen_limit(self) -> int:
        """The limit that the items add up to."""
        return next((item["limit"] for item in self.items.values() if item["revision"] == self.seen_revision), 0)

    @property
    def revision(self) -> int:
        """The revision that holds: the budget's, or a newer one that another admission knew."""
        return max(self.budget.revision, self.seen_revision)

    @property
    def limit(self) -> int:
        """The limit that holds."""
        return self.seen_limit if self.seen_revision > self.budget.revision else self.budget.amount

    @property
    def changed(self) -> bool:
        """Whether the items have yet to learn the limit that holds."""
        return not self.items or any(item["revision"] < self.revision for item in self.items.values())

    @property
    def left(self) -> int:
        """What can still be reserved, over all shards."""
        return sum(int(item["free"]) for item in self.items.values()) + self.limit - self.seen_limit

    def free(self, shard: int) -> int:
        """What can be reserved of one shard as it is."""
        return self.items[shard]["free"] if shard in self.items else 0


class DynamoBudgets:
    """A :class:`~smyth.platform.budgets.BudgetStore` in the table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def all(self, tenant_id: str) -> list[Budget]:
        """See :meth:`smyth.platform.budgets.BudgetStore.all`."""
        return self._read(tenant_id)[1]

    def put(self, tenant_id: str, budget: Budget) -> Budget:
        """See :meth:`smyth.platform.budgets.BudgetStore.put`."""
        for _ in range(_ATTEMPTS):
            revision, budgets = self._read(tenant_id)
            budget = budget.model_copy(update={"revision": revision + 1})
            others = [one for one in budgets if one.scope != budget.scope]
            if self._replace(tenant_id, revision, [*others, budget]):
                return budget
        raise _crowded()

    def remove(self, tenant_id: str, scope: str) -> bool:
        """See :meth:`smyth.platform.budgets.BudgetStore.remove`."""
        for _ in range(_ATTEMPTS):
            revision, budgets = self._read(tenant_id)
            others = [one for one in budgets if one.scope != scope]
            if len(others) == len(budgets):
                return False
            if self._replace(tenant_id, revision, others):
                return True
        raise _crowded()

    def standing(self, tenant_id: str, budget: Budget, now: datetime, time_zone: str = "UTC") -> Spending:
        """See :meth:`smyth.platform.budgets.BudgetStore.standing`."""
        name = budget.spending(now, time_zone)
        items = list(self._table.query(_partition(tenant_id, name)))
        shards = Shards(budget, name, {int(item["sk"]): item for item in items})
        return Spending(
            limit=shards.limit,
            free=shards.left,
            reserved=sum(item["reserved"] for item in items),
            spent=sum(item["spent"] for item in items),
        )

    def hold(self, entry: Entry, hold: Hold) -> tuple[Entry, list[Write]]:
        """Return the entry with what is reserved for it, and the writes that reserve it.

        All of the allowance is reserved, or what is left where that is less.

        Raises:
            Overspent: Too little is left.
        """
        wanted = zlib.crc32(entry.request_id.encode()) % hold.shards
        amount = entry.fee + hold.allowance
        seen = self._seen(entry, hold, range(hold.shards))
        if any(shards.changed or shards.free(wanted) < amount for shards in seen):
            seen = self._seen(entry, hold, range(_MOST_SHARDS))
            for shards in seen:
                if shards.left < entry.fee + hold.least:
                    raise Overspent(shards.budget, shards.left)
            amount = min(amount, *(shards.left for shards in seen))
        places, writes = [], []
        for shards in seen:
            shard, taking = _take(shards, amount, wanted, hold.shards, _partition(entry.tenant_id, shards.name))
            places.append(f"{shards.name}/{shard}")
            writes += taking
        return entry.model_copy(update={"reserved": amount, "budgets": tuple(places)}), writes

    def refuse_what_is_gone(self, entry: Entry, hold: Hold, write: Write, there: Item) -> None:
        """Refuse an admission whose ``write`` failed because others took what it had just seen free.

        To take the little that they left would be another write call. What is free on other items is worth it.

        Args:
            entry: The admission as it was tried.
            hold: What it needs.
            write: The one of its writes that failed.
            there: The item that was in the way.

        Raises:
            Overspent: Over all items less is left than was wanted.
        """
        for shards in self._seen(entry, hold, range(_MOST_SHARDS)):
            if there and write.item["pk"] == _partition(entry.tenant_id, shards.name):
                shards.items[int(there["sk"])] = there
                if shards.left < (entry.reserved or 0):
                    raise Overspent(shards.budget, shards.left)

    def settle(self, entry: Entry) -> list[Write]:
        """Return the writes that turn what is reserved for an ended entry into its price, and free the rest."""
        if not entry.budgets or entry.reserved is None:
            return []
        values = {"held": entry.reserved, "price": entry.price, "rest": entry.reserved - entry.price}
        sets = "SET #free = #free + :rest, #reserved = #reserved - :held, #spent = #spent + :price"
        places = [place.rpartition("/") for place in entry.budgets]
        return [update(key(_partition(entry.tenant_id, name), shard), sets, values) for name, _, shard in places]

    def _seen(self, entry: Entry, hold: Hold, shards: Sequence[int]) -> list[Shards]:
        names = [budget.spending(entry.at, hold.time_zone) for budget in hold.budgets]
        keys = [key(_partition(entry.tenant_id, name), str(shard)) for name in names for shard in shards]
        seen: dict[str, dict[int, Item]] = {_partition(entry.tenant_id, name): {} for name in names}
        for item in self._table.get_many(keys):
            seen[item["pk"]][int(item["sk"])] = item
        items = [seen[_partition(entry.tenant_id, name)] for name in names]
        return [Shards(*one) for one in zip(hold.budgets, names, items, strict=True)]

    def _read(self, tenant_id: str) -> tuple[int, list[Budget]]:
        item = self._table.get(f"T#{tenant_id}", "BUDGETS")
        return (item["revision"], [Budget.model_validate(one) for one in item["budgets"]]) if item else (0, [])

    def _replace(self, tenant_id: str, revision: int, budgets: list[Budget]) -> bool:
        """Write all budgets, and with the tenant whether there are any; False when another was quicker."""
        listed = sorted((budget.model_dump(exclude_none=True) for budget in budgets), key=lambda one: one["scope"])
        item = key(f"T#{tenant_id}", "BUDGETS") | {"revision": revision + 1, "budgets": listed}
        unchanged = "#revision = :seen" if revision else "attribute_not_exists(#pk)"
        values = {"seen": revision} if revision else {}
        flag = update(
            key(f"T#{tenant_id}", "META"),
            "SET #budgeted = :budgeted, #revision = #revision + :one",
            {"budgeted": bool(budgets), "one": 1},
            condition="attribute_exists(#pk)",
        )
        try:
            self._table.transact([put(item, condition=unchanged, values=values), flag])
        except ConditionFailed as failed:
            if failed.index == 1:
                raise NotFound(f"There is no tenant {tenant_id}.") from None
            return False
        return True


def _take(shards: Shards, amount: int, wanted: int, spread: int, partition: str) -> tuple[int, list[Write]]:
    """Return the shard that ``amount`` is reserved of, and the writes that do so."""
    if not shards.items:
        return _open(shards, amount, wanted, spread, partition)
    poor = shards.left - amount < spread * amount
    fullest = max(shards.items, key=shards.free, default=wanted)
    for shard in (wanted, *((fullest,) if poor else ())):
        if not shards.changed and shards.free(shard) >= amount:
            return shard, [_move(shards, shard, amount, shards.free(shard) - amount, partition)]
    # One shard is enough for what little is left; the others would only be asked in vain.
    rest, among = shards.left - amount, 1 if poor else spread
    chosen = 0 if poor else wanted
    targets = {shard: rest // among if shard < among else 0 for shard in {*range(among), *shards.items}}
    targets[chosen] += rest - sum(targets.values())
    writes = []
    for shard, target in sorted(targets.items()):
        taken = amount if shard == chosen else 0
        if shards.changed or taken or target != shards.free(shard):
            writes.append(_move(shards, shard, taken, target, partition))
    return chosen, writes


def _open(shards: Shards, amount: int, wanted: int, spread: int, partition: str) -> tuple[int, list[Write]]:
    """Reserve of a period that has no items yet, or of the items that another admission has just laid out alike."""
    among = spread if shards.limit >= 2 * spread * amount else 1
    share, rest = divmod(shards.limit, among)
    chosen = wanted % among
    writes = []
    for shard in range(among):
        taken = amount if shard == chosen else 0
        values = {
            "share": share + (rest if shard == 0 else 0),
            "taken": taken,
            "none": 0,
            "limit": shards.limit,
            "revision": shards.revision,
            "among": among,
        }
        sets = (
            "#free = if_not_exists(#free, :share) - :taken, #reserved = if_not_exists(#reserved, :none) + :taken, "
            "#spent = if_not_exists(#spent, :none), #limit = if_not_exists(#limit, :limit), "
            "#revision = if_not_exists(#revision, :revision), #among = if_not_exists(#among, :among)"
        )
        alike = "#revision = :revision AND #among = :among AND #free >= :taken"
        condition = f"attribute_not_exists(#pk) OR ({alike})"
        writes.append(update(key(partition, str(shard)), f"SET {sets}", values, condition=condition))
    return chosen, writes


def _move(shards: Shards, shard: int, reserved: int, target: int, partition: str) -> Write:
    """Reserve of a shard, and leave ``target`` free there, or as much more or less as others moved meanwhile."""
    at = key(partition, str(shard))
    if shard not in shards.items:
        amounts = {"free": target, "reserved": reserved, "spent": 0}
        return put_new(at | amounts | {"limit": shards.limit, "revision": shards.revision})
    more = target - shards.free(shard)
    return update(
        at,
        "SET #free = #free + :more, #reserved = #reserved + :reserved, #limit = :limit, #revision = :revision",
        {
            "more": more,
            "reserved": reserved,
            "limit": shards.limit,
            "revision": shards.revision,
            "seen": shards.items[shard]["revision"],
            "needed": max(0, -more),
        },
        condition="#revision = :seen AND #free >= :needed",
    )


def _partition(tenant_id: str, name: str) -> str:
    return f"T#{tenant_id}#BUDGET#{name}"


def _crowded() -> Busy:
    return Busy("Others are changing the budgets at the same time. Nothing was changed; try again.", retry_after_s=1)

"""Which partitions are to be dropped: by age, by the size of all, or because an operator asked."""

from database.catalogue import Partition
from utils.clock import DAY, day_of, now_us
from utils.settings import Retention


def expired(partitions: list[Partition], retention: Retention) -> list[str]:
    """The names of the partitions (given newest first) to drop.

    The newest is never dropped for its size: it is being written.
    """
    oldest_day = day_of(now_us() - retention.days * DAY) if retention.days else ""
    names, total = [], 0
    for number, partition in enumerate(partitions):
        total += partition.bytes
        too_much = 0 < retention.max_bytes < total and number > 0
        if partition.drop_requested or partition.name < oldest_day or too_much:
            names.append(partition.name)
    return names

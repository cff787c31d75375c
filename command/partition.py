"""`partition …`: day partitions of the records."""

import click

from command.base import root
from command.options import json_option, show
from service import operate
from service.audit import OPERATOR


@click.group("partition")
def partition_group() -> None:
    """Day partitions of the records."""


@partition_group.command("list")
@json_option
def partition_list(as_json: bool) -> None:
    """List the partitions, the newest first."""
    show([partition._asdict() for partition in root().log_store.catalogue.partitions()], as_json)


@partition_group.command("drop")
@click.argument("name")
@click.option("--wait", default=30.0, show_default=True, help="Seconds to wait for the server.")
def partition_drop(name: str, wait: float) -> None:
    """Drop a day (as 20261120) with all its records; the disk comes back at once."""
    server = root()
    operate.drop_partition(server.log_store, server.data / "journal", name, wait)
    server.audit_log.record(OPERATOR, "partition.drop", f"partition {name}")
    click.echo(f"Dropped {name}.")

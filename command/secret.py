"""`secret …`: the keys that sign."""

import click

from command.base import checked_settings, root
from service.audit import OPERATOR
from utils.secret import Secret, rotate

KEPT = 2


@click.group("secret")
def secret_group() -> None:
    """The keys in <data>/secret, which sign access tokens."""


@secret_group.command("rotate")
@click.option("--at-once", is_flag=True, help="Drop the earlier keys now: one has leaked.")
def secret_rotate(at_once: bool) -> None:
    """Sign with a fresh key from now on; what the two keys before it signed stays good.

    A running server sees it within a second. Nobody has to log in again: sessions get tokens by
    the fresh key when they refresh.
    """
    data = checked_settings().data_path
    Secret(data)  # made, if there is none yet
    many = rotate(data, 0 if at_once else KEPT)
    root().audit_log.record(OPERATOR, "secret.rotate", f"{many} keys")
    click.echo(f"The secret has {many} keys; the first one signs.")

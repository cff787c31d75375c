"""What every command needs: the settings, and the server's objects."""

from pathlib import Path
from typing import Any

from database.engine import migrate
from utils import startup
from utils.settings import Settings, load_settings

HERE = Path(__file__).resolve().parent.parent


def checked_settings() -> Settings:
    """The settings, and a data directory that can be written."""
    settings = load_settings(HERE / "setting.yaml")
    startup.check_data_dir(settings.data_path)
    return settings


def root() -> Any:
    """The server's objects (`__init__`), with the database brought up to date."""
    checked_settings()
    import __init__

    migrate(__init__.engine)
    __init__.log_store.upgrade()
    return __init__

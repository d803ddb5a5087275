"""The only reader of the environment; every variable is documented here."""

from functools import lru_cache
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """What an operator can set, as `ADVISOR_<NAME>`."""

    model_config = SettingsConfigDict(env_prefix="ADVISOR_", frozen=True)

    data_dir: Path = Field(
        default=Path("data"), description="Folder of the database, uploads, weights and runs."
    )
    database_url: str | None = Field(
        default=None, description="SQLAlchemy URL; None is SQLite in the data folder."
    )
    host: str = Field(
        default="127.0.0.1", description="Address to bind; anything but loopback needs API keys."
    )
    allow_unauthenticated: bool = Field(
        default=False, description="Bind other than loopback although requests are not authenticated."
    )
    port: int = Field(default=8000, ge=0, le=65535, description="Port to bind; 0 takes a free one.")
    max_upload_bytes: int = Field(default=200 * 2**20, gt=0, description="Largest upload accepted.")
    max_probe_seconds: float = Field(default=86_400.0, gt=0, description="Largest probe budget accepted.")
    lease_seconds: float = Field(
        default=15.0,
        gt=0,
        description="A worker that has not sent a heartbeat for this long has lost its run.",
    )
    poll_seconds: float = Field(default=0.5, gt=0, description="How often an idle worker looks for a run.")
    hub_timeout_seconds: float = Field(
        default=30.0, gt=0, description="Silence after which a hub counts as gone."
    )
    download_seconds: float = Field(default=600.0, gt=0, description="Limit of all downloads of one run.")
    feature_cache_bytes: int = Field(default=2 * 2**30, ge=0, description="Size limit of the feature cache.")
    local_models_dir: Path | None = Field(
        default=None, description="Folder whose subfolders are offered as `local:` models."
    )
    recommendation_days: float = Field(default=90.0, gt=0, description="Days a recommendation is kept.")
    log_level: str = Field(default="INFO", description="DEBUG, INFO, WARNING or ERROR.")

    @property
    def fits_dir(self) -> Path:
        """Where fits of the prior are kept."""
        return self.data_dir / "fits"

    @property
    def url(self) -> str:
        """The database URL in force."""
        return self.database_url or f"sqlite:///{(self.data_dir / 'advisor.db').absolute()}"


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """The settings of this process, read once."""
    return Settings()

"""All areas under one root, and where they are read from."""

from __future__ import annotations

import hashlib
import json
import os
import tomllib
from pathlib import Path
from typing import Any, Self

import platformdirs
from pydantic import Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from emorec.errors import SettingsError
from emorec.settings.analysis import AnalysisSettings
from emorec.settings.emotion import EmotionSettings
from emorec.settings.faces import FacesSettings
from emorec.settings.landmarks import LandmarksSettings
from emorec.settings.limits import LimitsSettings
from emorec.settings.operations import OperationsSettings
from emorec.settings.privacy import PrivacySettings
from emorec.settings.recording import RecordingSettings
from emorec.settings.report import ReportSettings
from emorec.settings.retention import RetentionSettings
from emorec.settings.retrain import RetrainSettings
from emorec.settings.run import RunSettings
from emorec.settings.sidecars import SidecarsSettings

CONFIG_VARIABLE = "EMOREC_CONFIG"
DEFAULT_CONFIG = "emorec.toml"
NOT_OF_THE_RESULT = ("store", "assets", "work", "report", "retrain", "run", "limits", "operations", "retention")
"""What says where and how emorec runs and how a session is told, and not what comes out."""


def default_assets_folder() -> Path:
    """The per-user cache folder for third-party model files."""
    return platformdirs.user_cache_path("emorec") / "assets"


def default_work_folder() -> Path:
    """The per-user folder for unfinished work."""
    return platformdirs.user_state_path("emorec")


class Settings(BaseSettings):
    """Every setting of emorec; use :meth:`load` to read them from file and environment."""

    model_config = SettingsConfigDict(
        env_prefix="EMOREC_", env_nested_delimiter="__", frozen=True, extra="forbid", use_attribute_docstrings=True
    )

    store: str = "emorec-store"
    """Folder or fsspec URL of all sessions."""

    assets: Path = Field(default_factory=default_assets_folder)
    """Cache folder of the third-party model files."""

    work: Path = Field(default_factory=default_work_folder)
    """Folder of unfinished work, for stores behind a URL; a store that is a folder holds its own."""

    recording: RecordingSettings = RecordingSettings()
    faces: FacesSettings = FacesSettings()
    landmarks: LandmarksSettings = LandmarksSettings()
    emotion: EmotionSettings = EmotionSettings()
    analysis: AnalysisSettings = AnalysisSettings()
    privacy: PrivacySettings = PrivacySettings()
    retrain: RetrainSettings = RetrainSettings()
    run: RunSettings = RunSettings()
    report: ReportSettings = ReportSettings()
    sidecars: SidecarsSettings = SidecarsSettings()
    limits: LimitsSettings = LimitsSettings()
    operations: OperationsSettings = OperationsSettings()
    retention: RetentionSettings = RetentionSettings()

    @model_validator(mode="after")
    def _one_worker_per_gpu(self) -> Self:
        if self.emotion.device == "gpu" and self.privacy.emotions and self.run.workers > 1:
            raise ValueError(
                f'emotion.device "gpu" takes one worker, since each would load a network of its own onto the '
                f"same device; set run.workers to 1 (got {self.run.workers}) or emotion.device to cpu"
            )
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments before environment before file."""
        toml = TomlConfigSettingsSource(settings_cls, toml_file=os.environ.get(CONFIG_VARIABLE, DEFAULT_CONFIG))
        return init_settings, env_settings, toml

    @classmethod
    def load(cls, **overrides: Any) -> Settings:
        """Settings from the defaults, the file, the environment, then ``overrides``.

        Raises:
            SettingsError: a value is out of range, a name in an area is unknown, two settings exclude each other, or
                the file is not TOML.
        """
        named = os.environ.get(CONFIG_VARIABLE)
        if named and not Path(named).is_file():
            raise SettingsError(f"{CONFIG_VARIABLE} names {named}, which is not a file")
        try:
            return cls(**overrides)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            if not where:
                raise SettingsError(f"settings: {first['msg'].removeprefix('Value error, ')}") from error
            raise SettingsError(f"setting {where}: {first['msg'].lower()} (got {first['input']!r})") from error
        except tomllib.TOMLDecodeError as error:
            raise SettingsError(f"{named or DEFAULT_CONFIG} is not TOML: {error}") from error

    def models_folder(self, store: str | None = None) -> Path:
        """The folder of one's own emotion models, over the shipped ones.

        That of the settings, else ``models`` in the store, where every worker finds it; of a store behind a URL, in the
        folder of unfinished work.
        """
        return self.emotion.registry or self._local_root(store) / "models"

    def labels_folder(self, store: str | None = None) -> Path:
        """The folder of faces to be labelled: ``labels`` in the store, or, behind a URL, of unfinished work."""
        return self._local_root(store) / "labels"

    def _local_root(self, store: str | None) -> Path:
        root = (self.store if store is None else store).removeprefix("file://")
        return self.work if "://" in root else Path(root)

    def changed(self) -> dict[str, Any]:
        """The settings of the session that differ from the defaults, as nested plain values; without what shapes no
        result."""
        without: dict[str, Any] = dict.fromkeys(NOT_OF_THE_RESULT, True)
        without["emotion"] = {"registry"}
        values = self.model_dump(mode="json", exclude=without)
        defaults = Settings.model_construct().model_dump(mode="json", exclude=without)
        changed: dict[str, Any] = {}
        for area, fields in values.items():
            differing = {name: value for name, value in fields.items() if value != defaults[area][name]}
            if differing:
                changed[area] = differing
        return changed

    def observe_fingerprint(self, model_hashes: dict[str, str]) -> str:
        """Sha256 of all that observe's results depend on: its settings and the model files, by name and hash."""
        areas = self.model_dump(mode="json", include={"recording", "faces", "landmarks", "emotion"})
        # Where a model lies does not matter, its hash does.
        areas["emotion"].pop("registry")
        areas["emotions"] = self.privacy.emotions
        areas["plates"] = self.privacy.reads_plates
        text = json.dumps({"settings": areas, "models": model_hashes}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

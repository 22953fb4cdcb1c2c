"""Recognition models (document B: ModelConfig): the engine of a camera, its networks and parameters."""

from typing import ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from cameras.models.base import Configured, ConfiguredQuerySet
from cameras.options import CameraSettingsError, check_parameters
from recognition.engines import ENGINES, PARAMETERS

DIGEST = "^[0-9a-f]{64}$"


class ModelConfigQuerySet(ConfiguredQuerySet["ModelConfig"]):
    """Questions asked of recognition models."""

    def usual(self) -> "ModelConfig | None":
        """The model of cameras that name none; None: that of the settings."""
        return self.filter(is_default=True).first()


class ModelConfig(Configured):
    """Which engine reads, with which networks and parameters (document B: ModelConfig)."""

    noun = "model"

    name = models.CharField(_("name"), max_length=100, unique=True)
    # No choices: an engine comes with a release, and a release must be able to go back without a migration.
    engine = models.CharField(_("engine"), max_length=32)
    weights_path = models.CharField(
        _("folder of networks"),
        max_length=255,
        blank=True,
        validators=[
            RegexValidator(
                r"\A(?!.*\.\.)[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*\Z",
                _("Give a folder below that of the weights (ANPR_WEIGHTS_DIR), without “..”."),
            )
        ],
        help_text=_("Below ANPR_WEIGHTS_DIR on the recognition machines; empty: the networks shipped."),
    )
    weights_digest = models.CharField(
        _("digest of the networks"),
        max_length=64,
        blank=True,
        validators=[RegexValidator(r"\A[0-9a-f]{64}\Z", _("Give 64 hexadecimal digits in small letters."))],
        help_text=_("What `sha256sum *.onnx | sha256sum` prints in that folder; checked before loading."),
    )
    version = models.CharField(_("version"), max_length=50, blank=True)
    parameters = models.JSONField(
        _("parameters"), default=dict, blank=True, help_text=_('For instance {"min_confidence": 0.4}.')
    )
    is_default = models.BooleanField(
        _("usual model"), default=False, help_text=_("Reads the cameras that name none.")
    )

    objects: ClassVar[models.Manager["ModelConfig"]] = ModelConfigQuerySet.as_manager()

    class Meta:
        verbose_name = _("recognition model")
        verbose_name_plural = _("recognition models")
        ordering = ("name",)
        constraints = (
            models.UniqueConstraint(
                fields=["is_default"], condition=Q(is_default=True), name="model_default_once"
            ),
            models.CheckConstraint(condition=~Q(engine=""), name="model_engine_given"),
            models.CheckConstraint(
                condition=Q(weights_digest="") | (Q(weights_digest__regex=DIGEST) & ~Q(weights_path="")),
                name="model_digest_of_weights",
                violation_error_message=_("A digest needs the folder of networks that it is of."),
            ),
        )

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Refuse an engine that there is not, and what the engine does not take."""
        super().clean()
        if self.engine not in ENGINES:
            known = ", ".join(ENGINES)
            raise ValidationError(
                {"engine": ValidationError(_("There are these engines: %(known)s."), params={"known": known})}
            )
        if self.parameters is None:
            self.parameters = {}
        try:
            check_parameters(self.engine, self.parameters)
        except CameraSettingsError as error:
            raise ValidationError({"parameters": str(error)}) from error
        if self.weights_path and "weights" not in PARAMETERS[self.engine]:
            raise ValidationError({"weights_path": _("This engine has no networks to choose.")})

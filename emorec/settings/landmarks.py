"""Landmarks and attention."""

from __future__ import annotations

from pydantic import Field

from emorec.settings.base import Area


class LandmarksSettings(Area):
    """Landmarks, and how attention is read from them. Where no other source is named, docs/validity.md has it."""

    iris_min_face_px: float = Field(24.0, gt=0)
    """Narrower faces' eyes are not measured, px of the box. Open and shut eyes are told apart with AUC .996 at 181 px,
    .986 at 35 and .981 at 25."""

    in_turn_from_faces: int = Field(13, ge=1)
    """In pictures with so many faces or more, half of them are read at a sample and the others at the next: mesh, lids
    and irises are most of a face's cost. What was read holds in between, unless the face moved. At two samples a second
    a blink is missed either way."""

    eyes_changed_from: float = Field(0.33, ge=0)
    """An eye is read again when it looks different from when it was read: mean change of the grey levels between its
    lids' corners, over their deviation. Of faces in composed calls half of the eyes look the same for a second by this;
    their lids then move by .018 of the eye's width (root mean square, .08 at most; reading a still eye again moves them
    by .01), and a blink by .15 and more. 0 reads every eye."""

    aside_from_deg: float = Field(10.0, ge=0, le=90)
    """A head turned aside from its resting pose by up to this still has all attention, degrees: half of a screen."""

    aside_to_deg: float = Field(40.0, ge=0, le=90)
    """… and none from here on, degrees: further than eyes comfortably turn back."""

    up_from_deg: float = Field(10.0, ge=0, le=90)
    """As aside_from_deg, for a head raised above its resting pose."""

    up_to_deg: float = Field(40.0, ge=0, le=90)
    """As aside_to_deg, for a head raised."""

    down_from_deg: float = Field(15.0, ge=0, le=90)
    """As aside_from_deg, for a head lowered; wider, since notes and keyboard lie there."""

    down_to_deg: float = Field(45.0, ge=0, le=90)
    """As aside_to_deg, for a head lowered."""

    closed_at: float = Field(0.35, ge=0, lt=1)
    """Lid opening, as a share of the participant's open eyes, at which they count as shut: the median of photographs of
    shut eyes, whose contour keeps some height."""

    open_at: float = Field(1.0, gt=0, le=1.5)
    """Lid opening, as a share of the participant's open eyes, from which they count as fully open."""

    gaze_from: float = Field(0.12, ge=0, le=2)
    """Pupils that are off their usual place by up to this have all attention; 1 is about 39°, so this is 4°."""

    gaze_to: float = Field(0.8, ge=0, le=2)
    """… and none from here on; 30°."""

    near_resting_deg: float = Field(20.0, gt=0)
    """How near to the resting pose a sample must be to count for the level of open eyes, degrees."""

    open_eyes_quantile: float = Field(0.75, gt=0, lt=1)
    """The level of open eyes is this quantile: above the middle, since lids are lowered part of the time."""

    open_eyes_population: float = Field(0.27, gt=0)
    """Usual level of open eyes, lid opening over eye width; the same quantile over people."""

    resting_yaw: tuple[float, float] = (0.0, 10.0)
    """Usual resting pose of people, degrees: mean and deviation of yaw. 53 filmed people who talk to a camera read
    −1 ± 6 (docs/validity.md); a webcam may sit beside the screen."""

    resting_pitch: tuple[float, float] = (-5.0, 10.0)
    """Likewise of pitch, as it reads. The same people read 2 ± 8; a webcam above the screen sees heads lowered by some
    7° (15 cm above where eyes rest, at 60 cm, half of it turned by the head)."""

    usual_gaze_x: tuple[float, float] = (0.0, 0.1)
    """Usual place of the pupils, −1…1: mean and deviation over people, to the picture's right (the same people: 0.02
    ± 0.13)."""

    usual_gaze_y: tuple[float, float] = (0.2, 0.1)
    """Likewise upwards (0.23 ± 0.13, less where the camera is above the screen)."""

    prior_samples: float = Field(30.0, gt=0)
    """How many samples of a participant weigh as much as what is usual of people: 15 s at two samples a second. More
    keep somebody who looks away for most of a short recording from counting as looking there; fewer follow an unusual
    seat sooner."""

    perclos_window_s: float = Field(60.0, gt=0)
    """Window of PERCLOS, s (Wierwille et al. 1994 use one to three minutes)."""

    perclos_min_face_px: float = Field(33.0, gt=0)
    """Narrower faces have no PERCLOS, px of the box: open and shut eyes are told apart with AUC .986 at 35 px, .981 at
    25, and a blinkless minute must not become a drowsy one."""

    perclos_coverage: float = Field(0.5, gt=0, le=1)
    """Least share of that window that must have been measured."""

    speaking_window_s: float = Field(4.0, gt=0)
    """Stretch over which mouth movement is summed, s: a few words."""

    speaking_still: float = Field(0.01, ge=0)
    """Change of mouth opening from sample to sample, over mouth width, of a mouth at rest (noise of the landmarks)."""

    speaking_lively: float = Field(0.10, gt=0)
    """Change from sample to sample of a mouth that certainly talks."""

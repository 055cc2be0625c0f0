"""Tells people of a report that is ready or a file that failed, by a block of Prefect's: mail, Slack, Teams, …"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from emorec.settings import Settings

__all__ = ["tell"]

log = logging.getLogger("emorec.notify")


def tell(settings: Settings, subject: str, body: str) -> None:
    """Send a message by the block that the settings name, if they name one; a failure is logged and nothing else."""
    if not settings.operations.notify:
        return
    try:
        from prefect.blocks.core import Block

        # Not imported for itself: only classes that are known can be loaded.
        import flows.mail

        assert flows.mail.Mail is not None
        block = cast("Any", Block.load(settings.operations.notify))
        block.notify(body, subject)
    except Exception as error:
        log.warning("nobody could be told: %s: %s", type(error).__name__, error)

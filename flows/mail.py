"""A Prefect block that sends mail by an SMTP server, beside Prefect's own for Slack, Teams and webhooks."""

from __future__ import annotations

import smtplib
import ssl
from email.message import EmailMessage
from typing import Literal

from prefect.blocks.abstract import NotificationBlock
from pydantic import Field, SecretStr

__all__ = ["Mail"]


class Mail(NotificationBlock):
    """Sends mail. Register it once: ``prefect block register -m flows.mail``."""

    _block_type_name = "emorec mail"
    _block_type_slug = "emorec-mail"

    host: str = Field(description="The SMTP server.")
    port: int = Field(default=587, description="Its port.")
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="How the connection is secured."
    )
    user: str | None = Field(default=None, description="User, where the server asks for one.")
    password: SecretStr | None = Field(default=None, description="Password of the user.")
    sender: str = Field(description="The address that mail comes from.")
    to: list[str] = Field(description="The addresses that it goes to.")

    def notify(self, body: str, subject: str | None = None) -> None:  # type: ignore[override]
        """Send a message."""
        message = EmailMessage()
        message["From"], message["To"] = self.sender, ", ".join(self.to)
        # A header is one line, whatever a file's name holds.
        message["Subject"] = " ".join((subject or "emorec").split())
        message.set_content(body)
        context = ssl.create_default_context()
        server: smtplib.SMTP
        if self.security == "tls":
            server = smtplib.SMTP_SSL(self.host, self.port, timeout=30, context=context)
        else:
            server = smtplib.SMTP(self.host, self.port, timeout=30)
        with server:
            if self.security == "starttls":
                server.starttls(context=context)
            if self.user and self.password:
                server.login(self.user, self.password.get_secret_value())
            server.send_message(message)

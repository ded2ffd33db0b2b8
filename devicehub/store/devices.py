"""The phones that were seen, and which of them run nothing for now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devicehub.store.model import DeviceRow

if TYPE_CHECKING:
    from devicehub.store.database import Database


class DeviceTable:
    """What the store knows of phones, by ro.serialno: two that were given one serialno share their row."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def device_seen(
        self,
        serialno: str,
        boot_id: str | None,
        serial: str | None,
        *,
        wall_s: float,
        product: str | None = None,
        manufacturer: str | None = None,
        android: str | None = None,
        soc: str | None = None,
        virtual: bool | None = None,
    ) -> None:
        """Write down a phone that answered; a fact that is None now stays as it was."""
        with self._database.transaction():
            self._database.change(
                "device_seen",
                serialno=serialno,
                boot_id=boot_id,
                serial=serial,
                product=product,
                manufacturer=manufacturer,
                android=android,
                soc=soc,
                virtual=virtual,
                wall_s=wall_s,
            )

    def strike(self, serialno: str, cause: str, wall_s: float) -> int:
        """Count a run that ended for a cause of the phone; how many there are in a row now."""
        with self._database.transaction():
            return int(self._database.value("strike", serialno=serialno, cause=cause, wall_s=wall_s))

    def clear_strikes(self, serialno: str) -> None:
        """Begin to count anew."""
        with self._database.transaction():
            self._database.change("clear_strikes", serialno=serialno)

    def quarantine(self, serialno: str, reason: str, wall_s: float) -> None:
        """Let a phone run nothing further until it is released; the first reason stands."""
        with self._database.transaction():
            self._database.change("quarantine", serialno=serialno, reason=reason, wall_s=wall_s)

    def release_device(self, serialno: str) -> bool:
        """Let a phone run again, without a strike; False where it was not in quarantine."""
        with self._database.transaction():
            return self._database.change("release_device", serialno=serialno) > 0

    def tidy_due(self, serialno: str, wall_s: float, every_s: float = 86400.0) -> bool:
        """Whether old runs are to be removed from a phone now; true for one asker in each period."""
        with self._database.transaction():
            due = self._database.value("tidy_due", serialno=serialno, wall_s=wall_s, every_s=every_s)
        return due is not None

    def quarantined(self) -> dict[str, str]:
        """The reason of each phone that runs nothing, by its serialno."""
        return {
            row.serialno: row.quarantine_reason for row in self.devices() if row.quarantine_reason is not None
        }

    def devices(self) -> list[DeviceRow]:
        """Every phone that was ever seen, the last seen first."""
        rows = self._database.rows("devices")
        return [
            DeviceRow(**{**dict(row), "virtual": None if row["virtual"] is None else bool(row["virtual"])})
            for row in rows
        ]

"""How phones answered the fixtures of models, and what sampling costs them."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import msgspec

from devicehub.runs.model import Fidelity
from devicehub.store.rows import encode_json

if TYPE_CHECKING:
    from devicehub.models.fixture import Fixture
    from devicehub.store.database import Database


@dataclass(frozen=True, kw_only=True)
class AnswerKey:
    """What an answer to a fixture depends on: where any of it changes, the phone is asked anew.

    Attributes:
        build: the phone's build fingerprint.
        engine_id: names the engine's content; so does model_id the model's.
        config_sha256: of the run's final configuration.
        fixture: the fixture's digest.
    """

    serialno: str
    build: str
    engine_id: str
    model_id: str
    config_sha256: str
    fixture: str

    @classmethod
    def of(
        cls,
        fixture: Fixture,
        *,
        serialno: str,
        build: str,
        engine_id: str,
        model_id: str,
        config_sha256: str,
    ) -> Self:
        """The key of a phone with this Android build, engine, model and configuration."""
        return cls(
            serialno=serialno,
            build=build,
            engine_id=engine_id,
            model_id=model_id,
            config_sha256=config_sha256,
            fixture=fixture.digest,
        )


class AnswerTable:
    """What is remembered of combinations and phones beyond the runs that told it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def remember_answer(self, key: AnswerKey, fidelity: Fidelity, wall_s: float) -> None:
        """Keep how a combination answered, in place of what it answered before; without a share: nothing."""
        if fidelity.share is None:
            return
        with self._database.transaction():
            self._database.change(
                "remember_answer",
                **dataclasses.asdict(key),
                wall_s=wall_s,
                share=fidelity.share,
                fidelity=encode_json(fidelity),
            )

    def known_answer(self, key: AnswerKey) -> Fidelity | None:
        """How a combination answered the last time; None where it has not, or another version wrote it."""
        encoded = self._database.value("known_answer", **dataclasses.asdict(key))
        try:
            return None if encoded is None else msgspec.json.decode(encoded, type=Fidelity)
        except msgspec.MsgspecError:
            return None

    def forget_answer(self, key: AnswerKey) -> None:
        """Let a combination be asked anew: what it answered now is not what it answered before."""
        with self._database.transaction():
            self._database.change("forget_answer", **dataclasses.asdict(key))

    def remember_cost(self, serialno: str, share: float, run_id: str, wall_s: float) -> None:
        """Keep which share of its decode speed sampling takes from a phone; the newest counts."""
        with self._database.transaction():
            self._database.change(
                "remember_cost", serialno=serialno, share=share, run_id=run_id, wall_s=wall_s
            )

    def sampling_cost(self, serialno: str) -> float | None:
        """The share of its decode speed that sampling takes from a phone; None where none was measured."""
        cost = self._database.value("sampling_cost", serialno=serialno)
        return None if cost is None else float(cost)

"""What travels of campaigns is enough to make reports of."""

from __future__ import annotations

import msgspec

from devicehub.api.campaign_views import front_views, history_views
from devicehub.campaign.result import Front, History
from tests.campaign.synthetic import make_result


def test_history_and_fronts_arrive_as_they_were_sent() -> None:
    result = make_result(cells=12, earlier=3)
    assert len(result.history) > 3
    sent = msgspec.json.decode(msgspec.json.encode(history_views(result.history)))
    assert msgspec.convert(sent, list[History]) == result.history
    sent = msgspec.json.decode(msgspec.json.encode(front_views(result)))
    assert [front.points for front in msgspec.convert(sent, list[Front])] == [
        front.points for front in result.fronts
    ]

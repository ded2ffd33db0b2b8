from __future__ import annotations

from devicehub.export.omni import mend


def test_model_is_made_fp32_before_omniquant_learns() -> None:
    done: list[str] = []

    class Model:
        def float(self) -> None:
            done.append("float")

    class Exporter:
        model = Model()

        def omni_quant(self) -> str:
            done.append("learn")
            return "learned"

    mend(Exporter)
    assert Exporter().omni_quant() == "learned"
    assert done == ["float", "learn"]

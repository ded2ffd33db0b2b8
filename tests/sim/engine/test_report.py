"""The block of figures."""

from __future__ import annotations

import dataclasses

from devicehub.sim.engine.report import Totals, load_time, perf_block
from devicehub.sim.engine.wheel import Context

CONTEXT = Context(
    status=1,
    prompt_len=20,
    gen_seq_len=10,
    prefill_us=100_000,
    decode_us=500_000,
    sample_us=10_000,
    vision_us=0,
    audio_us=0,
    pixels_mp=0.0,
    audio_input_s=0.0,
    output_tokens=[],
)


def test_figures_add_up_over_prompts() -> None:
    totals = Totals()
    totals.add(CONTEXT)
    totals.add(CONTEXT)
    block = "".join(perf_block(totals, CONTEXT))
    assert block.startswith("\n#################################\nprompt tokens num = 40\n")
    assert "prefill speed = 200.00 tok/s\n decode speed = 20.00 tok/s\n vision speed = 0.000 MP/s\n" in block
    assert block.endswith("nan \n##################################\n")


def test_tokens_in_no_time_are_inf_and_no_tokens_in_no_time_are_nan() -> None:
    block = "".join(perf_block(Totals(decode_tokens=2), CONTEXT))
    assert "nan tok/s\n decode speed = inf tok/s\n" in block


def test_picture_and_sound_have_their_own_rows() -> None:
    heard = dataclasses.replace(
        CONTEXT, vision_us=500_000, pixels_mp=0.5, audio_us=250_000, audio_input_s=1.0
    )
    block = "".join(perf_block(Totals(audio_e2e_us=2_000_000, audio_e2e_input_s=1.0), heard))
    assert " vision speed = 1.000 MP/s\n audio RTF = 0.250 \n" in block
    assert " audio E2E time = 2.00 s\n audio E2E RTF = 2.000 \n####" in block


def test_times_have_six_decimals() -> None:
    assert load_time(0.0053) == "main, 321, cost time: 5.300000 ms\n"

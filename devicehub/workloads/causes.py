"""Causes that no line of a tool proves: the agent, the phone, the hub or a rule of the judge tells them."""

from __future__ import annotations

from typing import Final

from devicehub.workloads.patterns import Failure

_OF_THE_RUN: Final = (
    Failure(
        "adbd_restarted",
        "The phone ended the run when its adb daemon stopped, as the USB mode changed.",
        "set the USB mode to no data transfer and keep the screen unlocked, then repeat",
    ),
    Failure(
        "rebooted",
        "The phone restarted during the run.",
        "repeat; charge the phone and let it cool when it happens again",
    ),
    Failure(
        "agent_killed",
        "The agent on the phone ended without a result.",
        "repeat; close other apps when it happens again",
    ),
    Failure(
        "agent_failed",
        "The agent could not begin the run on the phone, or not publish its end.",
        "repeat; when it happens again, look at the file `agent` in the run's folder on the phone",
    ),
    Failure(
        "deploy_failed",
        "Engine or model did not arrive whole on the phone.",
        "check the cable and the phone's free space, then repeat",
    ),
    Failure(
        "phone_locked",
        "Another run holds the phone.",
        "wait for its end or stop it with `devicehub runs stop`",
    ),
    Failure(
        "phone_lost",
        "The phone did not come back in time; what it has of the run is still on it.",
        "plug it in: the next command that sees it takes the result over",
    ),
    Failure(
        "hub_killed",
        "The command that carried the run ended before anything began on the phone.",
        "start the run again",
    ),
    Failure(
        "refused",
        "The run was not begun when its turn came; nothing happened on a phone.",
        "read why in its record, set that right, and ask for it again",
    ),
    Failure(
        "limit_time",
        "The run took longer than the time it was given.",
        "raise the limit, ask for fewer tokens, or take a smaller model",
    ),
    Failure(
        "limit_temperature",
        "The phone grew hotter than the run allows.",
        "let it cool, take it out of its case, or raise the limit",
    ),
    Failure(
        "limit_battery",
        "The battery fell below what the run allows.",
        "charge the phone or lower the limit",
    ),
    Failure(
        "limit_space",
        "The phone's free storage fell below what the run allows.",
        "remove models or old work folders from the phone, or lower the limit",
    ),
    Failure(
        "suspended",
        "The phone slept during the run; MNN counts that time as its own, so the figures are wrong.",
        "keep the screen on or the phone plugged in, then repeat",
    ),
    Failure(
        "clock_step",
        "The phone's clock was set during the run; MNN times with it, so the figures are wrong.",
        "repeat; switch automatic date and time off when it happens again",
    ),
)

_OF_THE_APP: Final = (
    Failure(
        "app_not_installed",
        "MnnLlmChat is not on the phone.",
        "install it with `devicehub app install APK`",
    ),
    Failure(
        "install_restricted",
        "The phone refused to install the app.",
        "allow installing over USB in the developer options (MIUI, HyperOS and ColorOS have a switch for it)",
    ),
    Failure(
        "app_failed",
        "The app did not come up.",
        "start it by hand once and look at what the phone shows",
    ),
    Failure(
        "app_no_channel",
        "The app takes no prompt from outside.",
        "switch on the API service in the app's settings, or install a debug build of the app",
    ),
    Failure(
        "app_backgrounded",
        "The app left the foreground or the phone was locked; Android slows an app down then.",
        "keep the app in front, the screen on and unlocked, then repeat",
    ),
)

_OF_THE_JUDGE: Final = (
    Failure(
        "wrong_output",
        "The engine ran, and what it says is not what the model says on the host.",
        "compare both texts; try precision high, attention_mode 8 or backend_type cpu, or another engine",
    ),
    Failure(
        "suite_failed",
        "The model ran, and not every answer is what its prompt suite demands; the figures stand.",
        "read the answers with `devicehub runs show`; give more tokens or --no-think, or take a larger model",
    ),
    Failure(
        "log_loss",
        "Lines of the log were lost where the counters should stand.",
        "repeat on a quieter phone, or with larger log buffers (`logcat -G 4M`)",
    ),
    Failure(
        "media_ignored",
        "The prompt names pictures or sounds, and the engine read none: it took the tag as text.",
        "take a model that can read them and an engine built with MNN_BUILD_LLM_OMNI",
    ),
    Failure(
        "counters_disagree",
        "The same figures stand in two places and differ.",
        "repeat; if they differ again, report both to the engine's makers",
    ),
    Failure(
        "pattern_missing",
        "The output lacks a line that the profile of the custom workload demands.",
        "read what it printed; the regular expression is in the profile's [[custom.success]]",
    ),
    Failure(
        "exit_status",
        "The program ended with a status other than 0 and without an explanation.",
        "read its whole output; in a logcat build the errors are in the log",
    ),
    Failure(
        "ambiguous_output",
        "What was printed has two readings: the counters or the error may be the model's own text.",
        "run it again with another prompt, or with an engine that logs to logcat",
    ),
    Failure(
        "no_tokens",
        "The counters say that nothing was computed: no tokens, or speeds that are no numbers.",
        "see the lines above the block; check the prompt and the model",
    ),
    Failure(
        "perplexity_infinite",
        "The perplexity that was printed is no finite number.",
        "give a text of at least two tokens; try precision high, or another engine",
    ),
    Failure(
        "bogus_bench",
        "The table holds figures that no run can have.",
        "check that the model is there and that it does not stop at once; llm_bench checks neither",
    ),
    Failure(
        "not_mnn",
        "The figures are another tool's.",
        "give the output of llm_demo, llm_bench or MnnLlmChat",
    ),
    Failure(
        "incomplete_output",
        "The output ends before the counters.",
        "wait for the end of the run; an engine built with MNN_USE_LOGCAT prints its counters to logcat",
    ),
)

FOUND_BY_RULE: Final = _OF_THE_RUN + _OF_THE_APP + _OF_THE_JUDGE
"""All of them, in order of precedence."""

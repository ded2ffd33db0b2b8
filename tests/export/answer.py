"""Child process: python -m tests.export.answer CONFIG PROMPT TOKENS: the wheel's engine answers one prompt.

The last line of stdout is JSON: what its context counted, and the text as it came.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile


def main() -> None:
    import MNN.llm

    config, prompt, tokens = sys.argv[1], sys.argv[2], int(sys.argv[3])
    model = MNN.llm.create(config)
    model.set_config(
        {"tmp_path": tempfile.mkdtemp(), "thread_num": 1, "sampler_type": "greedy", "max_new_tokens": tokens}
    )
    told: dict[str, object] = {"loaded": model._c_obj.load()}
    if told["loaded"]:
        try:
            told["text"] = model.response(prompt)
        except UnicodeDecodeError:  # a random model says any bytes
            told["text"] = ""
        context = model.context
        told |= {
            name: getattr(context, name)
            for name in ("prompt_len", "gen_seq_len", "pixels_mp", "audio_input_s")
        }
        told["status"] = int(context.status)
    sys.stdout.flush()
    os.write(1, b"\n" + json.dumps(told).encode() + b"\n")
    os._exit(0)


if __name__ == "__main__":
    main()

"""Child process: the logits of one prefill, of the source in transformers or of the export in the MNN wheel.

Usage: python -P -m devicehub.export.logits_child FILE, a `LogitsQuestion` as JSON in FILE; stdin is held by
the parent. Asked of a source it writes them to the file of the question, asked of an export it compares its
own with it. What the libraries print goes to stderr; stdout carries one `LogitsAnswer`. Standard library only
until a model is asked.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any, Final

from devicehub.guard import be_expendable, end_with_parent

_SETTINGS: Final = {
    "all_logits": True,
    "precision": "high",
    "memory": "low",
    "thread_num": 1,
    "use_mmap": False,
    "sampler_type": "greedy",
}


def main() -> None:
    """Answer and leave without Python's clean-up: torch and the wheel may crash in it after good work."""
    answer_fd = os.dup(1)
    os.dup2(2, 1)
    end_with_parent()
    be_expendable()
    question = json.loads(Path(sys.argv[1]).read_text())
    answer = _of_export(question) if question["exported"] else _of_source(question)
    os.write(answer_fd, json.dumps(answer).encode() + b"\n")
    os._exit(0)


def _of_source(question: dict[str, Any]) -> dict[str, Any]:
    import numpy
    import torch

    torch.set_num_threads(1)
    model = _load(question["model"])
    if question["adapter"]:
        from peft import PeftModel

        model = PeftModel.from_pretrained(model, question["adapter"]).merge_and_unload()
    with torch.no_grad():
        logits = model(torch.tensor([question["ids"]])).logits[0].float().numpy()
    with open(question["logits"], "wb") as file:  # noqa: PTH123 - numpy would add a suffix to a path
        numpy.save(file, logits)
    return {"cosines": []}


def _load(folder: str) -> Any:
    """The source, in fp32; one that looks at images has a class of its own, which its config.json names."""
    import torch
    import transformers

    # Python that comes with a checkpoint has been run by llmexport before this; who asked was warned of it.
    settings = {"trust_remote_code": True, "local_files_only": True}
    named = transformers.AutoConfig.from_pretrained(folder, **settings).architectures or [""]
    own = getattr(transformers, named[0], None)
    is_model = isinstance(own, type) and issubclass(own, transformers.PreTrainedModel)
    loader: Any = own if is_model else transformers.AutoModelForCausalLM
    return loader.from_pretrained(folder, dtype=torch.float32, **settings).eval()


def _of_export(question: dict[str, Any]) -> dict[str, Any]:
    import MNN.llm
    import numpy

    wanted = numpy.load(question["logits"])
    wrapper = MNN.llm.create(question["model"])
    # The sampler and the shape of the logits are settled while the model is loaded.
    wrapper.set_config(_SETTINGS | {"tmp_path": question["scratch"]})
    # The wrapper's own load() drops the answer.
    if not wrapper._c_obj.load():
        return {"error": "the engine cannot load it"}
    wrapper.generate_init()
    value = wrapper.forward(list(question["ids"]))
    made = numpy.array(value.read(), dtype=numpy.float32, copy=True)
    # The process crashes at its end while a result of the engine is alive.
    del value
    return _compare(made, wanted)


def _compare(made: Any, wanted: Any) -> dict[str, Any]:
    import numpy

    rows, width = wanted.shape
    if made.size % rows or made.size // rows < width:
        return {"error": f"the engine gave {made.size} logits for {rows} tokens of {width} each"}
    # The engine may pad the vocabulary.
    made = made.reshape(rows, -1)[:, :width].astype(numpy.float64)
    if not numpy.isfinite(made).all():
        return {"error": "the engine gave logits that are no numbers"}
    wanted = wanted.astype(numpy.float64)
    # A source whose embedding of a first token is zero has no logits there: nothing to agree with.
    there = numpy.linalg.norm(wanted, axis=1) > 0
    made, wanted = made[there], wanted[there]
    lengths = numpy.linalg.norm(made, axis=1) * numpy.linalg.norm(wanted, axis=1)
    dots = (made * wanted).sum(axis=1)
    # Of an export a row of zeros points nowhere: it agrees with nothing.
    cosines = numpy.divide(dots, lengths, out=numpy.zeros(len(dots)), where=lengths > 0)
    return {"cosines": [float(cosine) for cosine in cosines]}


if __name__ == "__main__":
    main()

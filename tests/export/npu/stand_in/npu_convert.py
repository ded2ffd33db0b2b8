"""Starts Qualcomm's two tools as MNN's script does, for one graph of two shapes."""

import json
import os
import sys
from pathlib import Path

sdk, cache = Path(os.environ["QNN_SDK_ROOT"]), Path.cwd()
tools = sdk / "bin" / "x86_64-linux-clang"
told = {"soc_id": int(sys.argv[2]), "dsp_arch": sys.argv[3]}
merges = json.loads(Path(sys.argv[1]).read_text())["merge"]
for binary, sources in merges.items():
    libraries = []
    for source in sources:
        graph = cache / source
        argv = ["python3", tools / "qnn-model-lib-generator", "-c", f"{graph / graph.name}.cpp", "-o", graph]
        os.spawnvp(os.P_WAIT, "python3", list(map(str, argv)))
        libraries.append(str(graph / f"lib{graph.name}.so"))
    (cache / "context.json").write_text(json.dumps(told))
    argv = [tools / "qnn-context-binary-generator", "--model", ",".join(libraries), "--config_file"]
    argv += [cache / "context.json", "--output_dir", "qnn", "--binary_file", Path(binary).stem]
    if os.spawnv(os.P_WAIT, argv[0], list(map(str, argv))) != 0:
        sys.stdout.write(f"[Retry 1/3] command failed: {' '.join(map(str, argv))}\n")
        raise RuntimeError(f"Context binary generation failed for key={binary}")

"""What every workload's start is made of. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """Where a launch finds its things on the phone; absolute folders without a trailing slash.

    Attributes:
        work_dir: its config.json and the engine's caches; the launch runs here.
        run_dir: the prompt files and what else was sent for the run.
        launch_dir: this launch's own folder, for what the tool writes.
        prompt_file: the name of its prompt file.
    """

    engine_dir: str
    model_dir: str
    work_dir: str
    run_dir: str
    launch_dir: str
    prompt_file: str = "prompt.txt"

    @property
    def config(self) -> str:
        """The config.json that the engine is given."""
        return f"{self.work_dir}/config.json"

    @property
    def prompts(self) -> str:
        """The prompt file."""
        return f"{self.run_dir}/{self.prompt_file}"


@dataclass(frozen=True)
class Start:
    """How one launch is started.

    Attributes:
        argv: the program's absolute path, then its arguments.
        result_files: names of what the tool writes into the launch's folder and the hub fetches afterwards.
    """

    argv: tuple[str, ...]
    result_files: tuple[str, ...] = ()

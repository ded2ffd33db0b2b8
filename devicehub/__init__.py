"""DeviceHub deploys, runs and measures MNN language models on Android phones over adb."""

from typing import Final

__version__: Final = "0.1.0"

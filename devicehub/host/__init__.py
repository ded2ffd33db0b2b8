"""This computer as a device of its own kind: what runs on phones through adb runs here in local processes."""

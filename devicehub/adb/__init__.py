"""Everything that speaks the adb protocol to an adb server: wire, client, shell, sync, servers."""

"""What a phone says to an adb server: transport, authentication, shell and sync."""

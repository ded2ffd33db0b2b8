"""The picture on a phone's screen: mirrored by scrcpy, or taken once."""

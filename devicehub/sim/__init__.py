"""Virtual phones: an adbd on loopback with a shell, files and system commands of its own."""

"""What a phone's Android is: its data, applets, commands, log and services."""

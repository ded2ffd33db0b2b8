"""How a phone's processes live: namespaces, folders, pipes, and the program that starts them."""

"""The hub's WebSocket API: JSON-RPC 2.0 with numbered events, its server and its Python client."""

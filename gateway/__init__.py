"""The clients' door: one port that speaks the Deribit v2 dialect over websocket, HTTP GET and HTTP POST."""

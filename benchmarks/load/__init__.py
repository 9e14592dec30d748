"""Load for the end-to-end benchmark."""

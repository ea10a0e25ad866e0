"""One file a subcommand; see ``main`` for what such a file holds."""

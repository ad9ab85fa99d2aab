"""The HTTP API: routes as a list of data over a shop that answers; knows not how it answers."""

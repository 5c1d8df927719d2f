"""A simulated fleet: agents that speak to the server over HTTP only, as the real ones do."""

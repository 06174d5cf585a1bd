"""The HTTP side: web configuration, TLS, authentication and limits."""

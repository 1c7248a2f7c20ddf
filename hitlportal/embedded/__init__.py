"""PostgreSQL that comes with the portal: a database engine that starts it on first use."""

"""Packages that ordinary tools wrote, recorded by `record.sh`: all of them are valid."""

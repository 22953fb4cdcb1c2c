"""Tests that start real servers and real processes; none needs Django."""

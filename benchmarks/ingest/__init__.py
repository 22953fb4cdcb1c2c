"""Passages in and out over HTTP, beside a peer built as document B describes it."""

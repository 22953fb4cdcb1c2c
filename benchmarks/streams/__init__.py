"""What streams cost: `python -m benchmarks streams`.

Clips are drawn (recognition.synthesis) and kept in var/benchmarks.
"""

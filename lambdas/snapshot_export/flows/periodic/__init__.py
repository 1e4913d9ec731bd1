"""What the clock calls: reconciling, warnings, starts that move, gauges."""

"""From a recipe and chips to a trained network."""

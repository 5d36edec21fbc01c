"""What the gateway tells of itself: an OpenAPI document, and a page to read."""

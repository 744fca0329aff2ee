"""What the callbacks for Lightning are made of."""
